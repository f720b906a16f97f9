import path from "node:path";
import { encoderModel } from "../../tools/onnx-builder/padding-models.ts";
import { type ConfigFile, writeModelDirectory } from "../../tools/model-directory.ts";
import { alternatingRounds } from "../harness/alternating-rounds.ts";
import type { BenchCase, CaseResult } from "../harness/bench-case.ts";
import type { BenchOptions } from "../harness/bench-options.ts";
import { verifyValues } from "../harness/http-infer-message.ts";
import { firstOutput, type LoadTensor, loadCall } from "../harness/load-call.ts";
import { median } from "../harness/median.ts";
import { counterGrowth } from "../harness/metrics-page.ts";
import { NereidServer } from "../harness/nereid-server.ts";
import type { LoadCall } from "../harness/request-load.ts";
import { StopList } from "../harness/stop-list.ts";
import { runMixedWrk } from "../harness/wrk.ts";

const connectionCount = 64;
/** Of the texts, in tokens: each once, in an order that mixes short and long. */
const lengths = Array.from({ length: 29 }, (_, i) => 4 + ((i * 11) % 29));
/** Two runs may add up the same numbers in another order. */
const tolerance = 1e-3;

const size = { vocabularySize: 1_000, width: 32, headCount: 2, layerCount: 2, maxLength: 32, seed: 1 };

function tokens(length: number): LoadTensor {
  const values = BigInt64Array.from({ length }, (_, i) =>
    BigInt((length * 31 + i * 17) % size.vocabularySize),
  );
  return { name: "INPUT_IDS", datatype: "INT64", shape: [1, length], data: new Uint8Array(values.buffer) };
}

function ones(length: number): LoadTensor {
  const values = new BigInt64Array(length).fill(1n);
  return {
    name: "ATTENTION_MASK",
    datatype: "INT64",
    shape: [1, length],
    data: new Uint8Array(values.buffer),
  };
}

/** The same model twice: without padding clients send the mask. */
function writeModels(repository: string): void {
  const ids = { name: "INPUT_IDS", data_type: "TYPE_INT64", dims: [-1] };
  const common: ConfigFile = {
    backend: "onnxruntime",
    max_batch_size: 32,
    output: [{ name: "POOLED", data_type: "TYPE_FP32", dims: [size.width] }],
    instance_group: [{ kind: "KIND_CPU", count: 1 }],
    parameters: { intra_op_thread_count: { string_value: "1" } },
  };
  const model = encoderModel(size);
  writeModelDirectory(
    repository,
    "unpadded",
    { ...common, input: [ids, { ...ids, name: "ATTENTION_MASK" }], dynamic_batching: {} },
    model,
  );
  const pad = { INPUT_IDS: { axis: 1, mask: "ATTENTION_MASK", multiple_of: 4 } };
  writeModelDirectory(repository, "padded", { ...common, input: [ids], dynamic_batching: { pad } }, model);
}

async function measure(options: BenchOptions, started: StopList): Promise<CaseResult> {
  const repository = path.join(options.workDirectory, "padding-models");
  writeModels(repository);
  const server = started.add(await NereidServer.start(repository));
  const calls = (model: string, inputsOf: (length: number) => LoadTensor[]): LoadCall[] =>
    lengths.map((length) =>
      loadCall(options.workDirectory, { id: `${model}-${length}`, model, inputs: inputsOf(length) }),
    );
  const padded = calls("padded", (length) => [tokens(length)]);
  const unpadded = calls("unpadded", (length) => [tokens(length), ones(length)]);
  // All at once, so that they share batches.
  const answers = await Promise.all(padded.map((call) => firstOutput(server.httpUrl, call)));
  for (const [i, call] of unpadded.entries()) {
    verifyValues(`length ${lengths[i]}`, answers[i]!, await firstOutput(server.httpUrl, call), tolerance);
  }

  const load = async (model: string, loadCalls: readonly LoadCall[], seconds: number) => {
    const before = (await server.metrics()).model(model);
    const result = await runMixedWrk({ baseUrl: server.httpUrl, calls: loadCalls, connectionCount, seconds });
    const growth = counterGrowth(before, (await server.metrics()).model(model));
    return { ...result, averageBatch: growth.inferenceCount / growth.executionCount };
  };
  await load("padded", padded, options.warmUpSeconds);
  await load("unpadded", unpadded, options.warmUpSeconds);
  const rounds = await alternatingRounds(
    options.roundCount,
    () => load("padded", padded, options.roundSeconds),
    () => load("unpadded", unpadded, options.roundSeconds),
  );
  const ratios = rounds.map((round) => round.server.requestsPerSecond / round.baseline.requestsPerSecond);
  const waste = (await server.metrics()).paddingShare("padded");
  return {
    measured: median(ratios),
    rounds: ratios,
    details: [
      { label: "padded", value: median(rounds.map((r) => r.server.requestsPerSecond)), unit: "infer/s" },
      {
        label: "not padded",
        value: median(rounds.map((r) => r.baseline.requestsPerSecond)),
        unit: "infer/s",
      },
      {
        label: "average batch, padded",
        value: median(rounds.map((r) => r.server.averageBatch)),
        unit: "rows",
      },
      {
        label: "average batch, not padded",
        value: median(rounds.map((r) => r.baseline.averageBatch)),
        unit: "rows",
      },
      { label: "share of padding", value: waste, unit: "" },
      { label: "p99, padded", value: median(rounds.map((r) => r.server.p99Us)), unit: "us" },
      { label: "p99, not padded", value: median(rounds.map((r) => r.baseline.p99Us)), unit: "us" },
    ],
  };
}

/** What padding is worth to requests of many lengths. */
export const paddingThroughput: BenchCase = {
  name: "padding-throughput",
  title: `texts of 4 to 32 tokens through a two-layer encoder at ${connectionCount} connections: infer/s with dynamic_batching.pad ÷ without`,
  target: { direction: "at least", value: 3, unit: "" },
  async run(options) {
    const started = new StopList();
    try {
      return await measure(options, started);
    } finally {
      await started.stopAll();
    }
  },
};
