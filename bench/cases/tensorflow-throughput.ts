import { mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import type { RawSessionAnswer, RawSessionQuestion } from "../baselines/raw-session.ts";
import type { RawTensorFlowAnswer, RawTensorFlowQuestion } from "../baselines/raw-tensorflow.ts";
import type { BenchCase, CaseResult, Detail } from "../harness/bench-case.ts";
import { benchInput } from "../harness/bench-input.ts";
import type { BenchOptions } from "../harness/bench-options.ts";
import { type BenchModel, mlpBenchModel } from "../harness/bench-repository.ts";
import { httpInferMessage, verifyHttpInfer, verifyValues } from "../harness/http-infer-message.ts";
import { MeasuringChild } from "../harness/measuring-child.ts";
import { median } from "../harness/median.ts";
import { counterGrowth } from "../harness/metrics-page.ts";
import { NereidServer } from "../harness/nereid-server.ts";
import { StopList } from "../harness/stop-list.ts";
import { tensorFlowBenchModels, writeGraphDefModel } from "../harness/tensorflow-bench-models.ts";
import { runWrk } from "../harness/wrk.ts";

const connectionCount = 64;
/** Runtimes sum in different orders. */
const tolerance = 1e-3;
const batchSizes = [1, 32] as const;
const engines = ["wasm", "native"] as const;

type AskEngine = (
  model: string,
  engine: string,
  batchSize: number,
  seconds: number,
) => Promise<RawTensorFlowAnswer>;
type Measured = Exclude<RawTensorFlowAnswer, { readonly missing: string }>;

/** An engine's runs per second ÷ ONNX Runtime's, for each network and batch size. */
async function compareRuntimes(
  options: BenchOptions,
  askEngine: AskEngine,
  askOnnx: (model: string, batchSize: number, seconds: number) => Promise<RawSessionAnswer>,
): Promise<Detail[]> {
  const details: Detail[] = [];
  for (const { name } of tensorFlowBenchModels()) {
    const expected = Float32Array.from((await askOnnx(name, 1, 0)).output);
    for (const engine of engines) {
      const first = await askEngine(name, engine, 1, 0);
      if ("missing" in first) {
        console.log(`${name} on the engine "${engine}" is skipped: ${first.missing}`);
        continue;
      }
      verifyValues(`${name} on ${engine}`, Float32Array.from(first.output), expected, tolerance);
      for (const batchSize of batchSizes) {
        const ratios: number[] = [];
        for (let i = 0; i < options.roundCount; i++) {
          const seconds = options.roundSeconds / 2;
          const mine = (await askEngine(name, engine, batchSize, seconds)) as Measured;
          ratios.push(mine.runsPerSecond / (await askOnnx(name, batchSize, seconds)).runsPerSecond);
        }
        details.push({
          label: `${name}, batch ${batchSize}: ${engine} engine ÷ ONNX Runtime, one thread each`,
          value: median(ratios),
          unit: "",
        });
      }
    }
  }
  return details;
}

async function measure(options: BenchOptions, started: StopList): Promise<CaseResult> {
  const directory = path.join(options.workDirectory, "tensorflow");
  const repository = path.join(directory, "models");
  mkdirSync(repository, { recursive: true });
  for (const { name, onnx, graphDef } of tensorFlowBenchModels()) {
    writeFileSync(path.join(directory, `${name}.onnx`), onnx);
    writeFileSync(path.join(directory, `${name}.graphdef`), graphDef);
    if (name === "mlp") writeGraphDefModel(repository, "mlp_tensorflow", "wasm", graphDef);
  }
  const input = benchInput(mlpBenchModel.inputLength);
  const engineChild = started.add(
    new MeasuringChild<RawTensorFlowQuestion, RawTensorFlowAnswer>(
      "raw-tensorflow",
      new URL("../baselines/raw-tensorflow.js", import.meta.url),
    ),
  );
  const onnxChild = started.add(
    new MeasuringChild<RawSessionQuestion, RawSessionAnswer>(
      "raw-session",
      new URL("../baselines/raw-session.js", import.meta.url),
    ),
  );
  const askEngine: AskEngine = (model, engine, batchSize, seconds) => {
    const modelPath = path.join(directory, `${model}.graphdef`);
    return engineChild.ask({ modelPath, engine, input: [...input], batchSize, seconds });
  };
  const details = await compareRuntimes(options, askEngine, (model, batchSize, seconds) =>
    onnxChild.ask({
      modelPath: path.join(directory, `${model}.onnx`),
      inputName: "INPUT0",
      outputName: "OUTPUT0",
      input: [...input],
      batchSize,
      intraOpThreadCount: 1,
      seconds,
    }),
  );

  const model: BenchModel = { ...mlpBenchModel, name: "mlp_tensorflow" };
  const message = httpInferMessage(model, input, options.workDirectory);
  const runEngine = async (batchSize: number, seconds: number): Promise<Measured> => {
    const answer = await askEngine("mlp", "wasm", batchSize, seconds);
    if ("missing" in answer) throw new Error(answer.missing);
    return answer;
  };
  const server = started.add(await NereidServer.start(repository));
  await verifyHttpInfer(
    server.httpUrl,
    message,
    Float32Array.from((await runEngine(1, 0)).output),
    tolerance,
  );
  const loadServer = async (seconds: number): Promise<{ itemsPerSecond: number; averageBatch: number }> => {
    const before = (await server.metrics()).model(model.name);
    const { bodyFile, headers, path: urlPath } = message;
    const load = { url: server.httpUrl + urlPath, bodyFile, headers, connectionCount, seconds };
    const { requestsPerSecond } = await runWrk(load);
    const growth = counterGrowth(before, (await server.metrics()).model(model.name));
    return {
      itemsPerSecond: requestsPerSecond,
      averageBatch: growth.inferenceCount / growth.executionCount,
    };
  };
  await loadServer(options.warmUpSeconds);
  const rounds = [];
  for (let i = 0; i < options.roundCount; i++) {
    const loaded = await loadServer(options.roundSeconds);
    const batchSize = Math.max(1, Math.round(loaded.averageBatch));
    const raw = (await runEngine(batchSize, options.roundSeconds)).runsPerSecond * batchSize;
    rounds.push({ ...loaded, raw });
  }
  const ratios = rounds.map(({ itemsPerSecond, raw }) => itemsPerSecond / raw);
  return {
    measured: median(ratios),
    rounds: ratios,
    details: [
      { label: "server", value: median(rounds.map((round) => round.itemsPerSecond)), unit: "infer/s" },
      {
        label: "WASM engine in process at that batch",
        value: median(rounds.map((round) => round.raw)),
        unit: "infer/s",
      },
      { label: "average batch", value: median(rounds.map((round) => round.averageBatch)), unit: "rows" },
      ...details,
    ],
  };
}

/** Whether serving keeps up with the embedded TensorFlow engine, and how the engines compare with ONNX Runtime. */
export const tensorFlowThroughput: BenchCase = {
  name: "tensorflow-throughput",
  title: `784-512-512-10 MLP on the WASM engine, infer/s at ${connectionCount} connections ÷ the engine in process at the average batch that formed`,
  target: { direction: "at least", value: 0.8, unit: "" },
  async run(options) {
    const started = new StopList();
    try {
      return await measure(options, started);
    } finally {
      await started.stopAll();
    }
  },
};
