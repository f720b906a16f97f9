import { identityModel, mlpModel } from "../../tools/onnx-builder/model-zoo.ts";
import { runningSumModel } from "../../tools/onnx-builder/sequence-models.ts";
import { type ConfigFile, writeModelDirectory } from "../../tools/model-directory.ts";

/** A model of the bench: one input, one output of the same type, batching. */
export interface BenchModel {
  readonly name: string;
  readonly datatype: "FP32" | "BYTES";
  readonly inputName: string;
  readonly outputName: string;
  /** Values per item. */
  readonly inputLength: number;
  readonly outputLength: number;
  /** Threads inside one run; the raw baseline gets the same number. */
  readonly intraOpThreadCount: number;
}

/** Costs nothing to run, so what is left is the server. */
export const identityBenchModel: BenchModel = {
  name: "identity_fp32",
  datatype: "FP32",
  inputName: "INPUT0",
  outputName: "OUTPUT0",
  inputLength: 16,
  outputLength: 16,
  intraOpThreadCount: 1,
};

/** The same with 600 KB an item: what is left is moving bytes. */
export const largeIdentityBenchModel: BenchModel = {
  ...identityBenchModel,
  name: "identity_600k",
  inputLength: 150_000,
  outputLength: 150_000,
};

/** The same with a thousand values an item, which many send as JSON. */
export const thousandIdentityBenchModel: BenchModel = {
  ...identityBenchModel,
  name: "identity_1000",
  inputLength: 1_000,
  outputLength: 1_000,
};

/** A thousand strings. */
export const bytesIdentityBenchModel: BenchModel = {
  ...thousandIdentityBenchModel,
  name: "identity_bytes",
  datatype: "BYTES",
};

/** A 784-512-512-10 perceptron: work that pays for batching. */
export const mlpBenchModel: BenchModel = {
  name: "mlp",
  datatype: "FP32",
  inputName: "INPUT0",
  outputName: "OUTPUT0",
  inputLength: 784,
  outputLength: 10,
  intraOpThreadCount: 1,
};

/** Adds its inputs up: as little work as a model with a state can have. */
export const sumBenchModel: BenchModel = { ...identityBenchModel, name: "running_sum" };

/** Sequences that {@link sumBenchModel} serves at once. */
export const sumBenchSequenceCount = 1_000;

/** The same with its responses cached, on a server with a cache. */
export const cachedMlpBenchModel: BenchModel = { ...mlpBenchModel, name: "mlp_cached" };

const identityBenchModels = [
  identityBenchModel,
  largeIdentityBenchModel,
  thousandIdentityBenchModel,
  bytesIdentityBenchModel,
];

const maxBatchSize = 64;
const mlpInit = { sizes: [mlpBenchModel.inputLength, 512, 512, mlpBenchModel.outputLength], seed: 1 };

function configOf(model: BenchModel): ConfigFile {
  const data_type = model.datatype === "BYTES" ? "TYPE_STRING" : "TYPE_FP32";
  return {
    backend: "onnxruntime",
    max_batch_size: maxBatchSize,
    input: [{ name: model.inputName, data_type, dims: [model.inputLength] }],
    output: [{ name: model.outputName, data_type, dims: [model.outputLength] }],
    dynamic_batching: {},
    instance_group: [{ kind: "KIND_CPU", count: 1 }],
    // Fixed, so that the raw baseline runs with the thread count that the server's instance has.
    parameters: { intra_op_thread_count: { string_value: String(model.intraOpThreadCount) } },
  };
}

/** As the other models, apart from the scheduler. Sequences outlive the bench. */
function sumConfig(): ConfigFile {
  const config = configOf(sumBenchModel);
  const state = {
    input_name: "STATE_IN",
    output_name: "STATE_OUT",
    data_type: "TYPE_FP32",
    dims: [sumBenchModel.inputLength],
  };
  return {
    ...config,
    // An undefined member is not written.
    dynamic_batching: undefined,
    sequence_batching: {
      max_sequence_idle_microseconds: 600_000_000,
      oldest: { max_candidate_sequences: sumBenchSequenceCount },
      state: [state],
    },
  };
}

/** Writes the models. */
export function writeBenchRepository(repository: string): void {
  for (const model of identityBenchModels) {
    const identity = identityModel(model.datatype, ["batch", model.inputLength]);
    writeModelDirectory(repository, model.name, configOf(model), identity);
  }
  const mlp = mlpModel(mlpInit);
  writeModelDirectory(repository, mlpBenchModel.name, configOf(mlpBenchModel), mlp);
  const cached = { ...configOf(cachedMlpBenchModel), response_cache: { enable: true } };
  writeModelDirectory(repository, cachedMlpBenchModel.name, cached, mlp);
  const { name, datatype, inputLength } = sumBenchModel;
  writeModelDirectory(repository, name, sumConfig(), runningSumModel(datatype, inputLength));
}
