import type {
  BatchSpec,
  ExecutionBatch,
  ModelInstance,
  ModelInstanceModule,
} from "../../backends/backend.ts";
import { tensorFlowBackend } from "../../backends/tensorflow/tensorflow-backend.ts";
import { StatusError } from "../../server/core/status.ts";
import type { ModelConfig } from "../../server/model-config/model-config.ts";
import { median } from "../harness/median.ts";
import { tensorFlowBenchLengths as lengths } from "../harness/tensorflow-bench-models.ts";

/** What an engine of the TensorFlow backend shall do with a frozen graph of the bench. */
export interface RawTensorFlowQuestion {
  readonly modelPath: string;
  /** As `parameters.engine` of a model's configuration. */
  readonly engine: string;
  /** One item; every row of the batch is the same. */
  readonly input: readonly number[];
  readonly batchSize: number;
  /** 0 runs the model once. */
  readonly seconds: number;
}

/** What it did, without any server around it. */
export type RawTensorFlowAnswer =
  | { readonly runsPerSecond: number; readonly p50Us: number; readonly output: readonly number[] }
  /** This server has no such engine, and why. */
  | { readonly missing: string };

const instances = new Map<string, Promise<ModelInstance>>();

function configOf(engine: string): ModelConfig {
  return {
    name: "bench",
    platform: "tensorflow_graphdef",
    maxBatchSize: 64,
    input: [{ name: "INPUT0", datatype: "FP32", isOptional: false }],
    output: [{ name: "OUTPUT0", datatype: "FP32" }],
    instanceGroup: [
      { name: "bench", kind: "KIND_CPU", count: 1, gpus: [], isPassive: false, rateLimiter: null },
    ],
    optimization: { graphLevel: 0, eagerBatching: false },
    parameters: new Map([["engine", engine]]),
  } as unknown as ModelConfig;
}

async function load({ modelPath, engine }: RawTensorFlowQuestion): Promise<ModelInstance> {
  const { options } = tensorFlowBackend.resolveSettings(configOf(engine), new Map());
  const module = (await import(tensorFlowBackend.instanceModuleUrl)) as ModelInstanceModule;
  const instance = await module.createModelInstance({
    modelName: "bench",
    modelVersion: "1",
    instanceName: "bench_0",
    modelPath,
    kind: "KIND_CPU",
    deviceId: -1,
    threadCount: 1,
    options,
  });
  const tensor = (name: string, size: number): BatchSpec["inputs"][number] => ({
    name,
    datatype: "FP32",
    dims: [size],
    wireDims: [size],
    isOptional: false,
    join: { kind: "rows" },
  });
  instance.bind({
    maxBatchSize: 64,
    inputs: [tensor("INPUT0", lengths.input)],
    outputs: [tensor("OUTPUT0", lengths.output)],
    states: [],
  });
  return instance;
}

async function measure(question: RawTensorFlowQuestion): Promise<RawTensorFlowAnswer> {
  const { modelPath, engine, batchSize, seconds } = question;
  const key = `${engine} ${modelPath}`;
  const instance = await (instances.get(key) ?? load(question));
  instances.set(key, Promise.resolve(instance));
  const rows = Float32Array.from(Array.from({ length: batchSize }, () => question.input).flat());
  let output = new Float32Array(0);
  const batch: ExecutionBatch = {
    rows: batchSize,
    buffer: rows.buffer,
    inputs: [
      {
        index: 0,
        shape: [batchSize, lengths.input],
        buffer: rows.buffer,
        byteOffset: 0,
        byteLength: rows.byteLength,
      },
    ],
    wantsOutput: () => true,
    placeFor: () => null,
  };
  const run = async (): Promise<void> => {
    const failed = await instance.execute(batch, {
      placed: () => undefined,
      produced: (_index, _shape, data) => {
        output = new Float32Array(Uint8Array.from(data.subarray(0, lengths.output * 4)).buffer);
      },
      markInputEnd: () => undefined,
      markOutputStart: () => undefined,
    });
    if (failed !== null) throw new Error(failed.message);
  };
  await run();
  const latenciesUs: number[] = [];
  const start = performance.now();
  let now = start;
  do {
    const before = now;
    await run();
    now = performance.now();
    latenciesUs.push((now - before) * 1e3);
  } while (now - start < seconds * 1e3);
  return {
    runsPerSecond: (latenciesUs.length * 1e3) / (now - start),
    p50Us: median(latenciesUs),
    output: [...output],
  };
}

process.on("message", (question: RawTensorFlowQuestion) => {
  measure(question).then(
    (answer) => process.send?.(answer),
    (error: unknown) => {
      const isMissing = error instanceof StatusError && ["UNSUPPORTED", "UNAVAILABLE"].includes(error.code);
      if (isMissing) {
        process.send?.({ missing: error.message });
        return;
      }
      console.error(error);
      process.exit(1);
    },
  );
});
