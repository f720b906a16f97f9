import path from "node:path";
import { mlpModel } from "../../tools/onnx-builder/model-zoo.ts";
import { type ConfigFile, writeModelDirectory } from "../../tools/model-directory.ts";
import { alternatingRounds } from "../harness/alternating-rounds.ts";
import type { BenchCase, CaseResult, Detail } from "../harness/bench-case.ts";
import { benchInput } from "../harness/bench-input.ts";
import type { BenchOptions } from "../harness/bench-options.ts";
import { verifyValues } from "../harness/http-infer-message.ts";
import { firstOutput, loadCall } from "../harness/load-call.ts";
import { median } from "../harness/median.ts";
import { counterGrowth } from "../harness/metrics-page.ts";
import { NereidServer } from "../harness/nereid-server.ts";
import type { LoadCall } from "../harness/request-load.ts";
import { StopList } from "../harness/stop-list.ts";
import { runMixedWrk } from "../harness/wrk.ts";

const connectionCount = 64;
const inputLength = 784;
const sizes = [inputLength, 512, 512, 10];
const batchSizes = [4, 16, 64];
const delaysUs = [0, 500, 2_000];
/** Two runs may add up the same numbers in another order. */
const tolerance = 1e-3;

/** The model under one setting of the batcher. */
interface Variant {
  readonly name: string;
  readonly label: string;
  readonly batching: ConfigFile;
}

const unbatched: Variant = { name: "mlp_alone", label: "one by one", batching: {} };
const byDefault: Variant = {
  name: "mlp_default",
  label: "dynamic_batching {}",
  batching: { dynamic_batching: {} },
};
const others: readonly Variant[] = batchSizes.flatMap((size) =>
  delaysUs.map((delayUs) => ({
    name: `mlp_${size}_${delayUs}`,
    label: `preferred ${size}, delay ${delayUs} µs`,
    batching: {
      dynamic_batching: { preferred_batch_size: [size], max_queue_delay_microseconds: delayUs },
    },
  })),
);

function writeModels(repository: string): void {
  const model = mlpModel({ sizes, seed: 1 });
  for (const { name, batching } of [unbatched, byDefault, ...others]) {
    const config = {
      backend: "onnxruntime",
      max_batch_size: 64,
      input: [{ name: "INPUT0", data_type: "TYPE_FP32", dims: [inputLength] }],
      output: [{ name: "OUTPUT0", data_type: "TYPE_FP32", dims: [sizes.at(-1)] }],
      instance_group: [{ kind: "KIND_CPU", count: 1 }],
      parameters: { intra_op_thread_count: { string_value: "1" } },
      ...batching,
    };
    writeModelDirectory(repository, name, config, model);
  }
}

async function measure(options: BenchOptions, started: StopList): Promise<CaseResult> {
  const repository = path.join(options.workDirectory, "batch-size-models");
  writeModels(repository);
  const server = started.add(await NereidServer.start(repository));
  const data = new Uint8Array(benchInput(inputLength).buffer);
  const callOf = ({ name }: Variant): LoadCall => {
    const inputs = [{ name: "INPUT0", datatype: "FP32", shape: [1, inputLength], data }];
    return loadCall(options.workDirectory, { id: name, model: name, inputs });
  };
  const expected = await firstOutput(server.httpUrl, callOf(unbatched));
  for (const variant of [byDefault, ...others]) {
    const output = await firstOutput(server.httpUrl, callOf(variant));
    verifyValues(variant.name, output, expected, tolerance);
  }
  const load = async (variant: Variant, seconds: number) => {
    const { name } = variant;
    const calls = [callOf(variant)];
    const before = (await server.metrics()).model(name);
    const result = await runMixedWrk({ baseUrl: server.httpUrl, calls, connectionCount, seconds });
    const growth = counterGrowth(before, (await server.metrics()).model(name));
    return { ...result, averageBatch: growth.inferenceCount / growth.executionCount };
  };
  await load(byDefault, options.warmUpSeconds);
  await load(unbatched, options.warmUpSeconds);
  const rounds = await alternatingRounds(
    options.roundCount,
    () => load(byDefault, options.roundSeconds),
    () => load(unbatched, options.roundSeconds),
  );
  const baseline = median(rounds.map((round) => round.baseline.requestsPerSecond));
  const details: Detail[] = [
    { label: unbatched.label, value: baseline, unit: "infer/s" },
    {
      label: byDefault.label,
      value: median(rounds.map((round) => round.server.requestsPerSecond)),
      unit: "infer/s",
    },
  ];
  for (const variant of others) {
    const { requestsPerSecond, averageBatch, p99Us } = await load(variant, options.roundSeconds);
    details.push(
      { label: `${variant.label}: ÷ one by one`, value: requestsPerSecond / baseline, unit: "" },
      { label: `${variant.label}: average batch`, value: averageBatch, unit: "rows" },
      { label: `${variant.label}: p99`, value: p99Us, unit: "us" },
    );
  }
  const ratios = rounds.map((round) => round.server.requestsPerSecond / round.baseline.requestsPerSecond);
  return { measured: median(ratios), rounds: ratios, details };
}

/** What batching is worth, and what preferred sizes and delays do to it. */
export const batchSizesCase: BenchCase = {
  name: "batch-sizes",
  title: `784-512-512-10 MLP infer/s at ${connectionCount} connections with dynamic_batching {} ÷ without; preferred sizes and delays below`,
  target: { direction: "at least", value: 2, unit: "" },
  async run(options) {
    const started = new StopList();
    try {
      return await measure(options, started);
    } finally {
      await started.stopAll();
    }
  },
};
