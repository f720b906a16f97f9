import type { DataType } from "../core/data-type.ts";
import type { Shape } from "../core/shape.ts";

/**
 * The configuration of one model, complete: what the file left out has been read from the model, filled with
 * defaults and checked, so nobody who reads it asks whether a field is there.
 *
 * @remarks
 * Only `completeModelConfig` makes one; it is never changed afterwards. It survives structured cloning. The names
 * are the config file's in camelCase; the wire form is made by `renderModelConfig`.
 *
 * @see model-config.schema.json for the meaning of each field in the file
 */
export interface ModelConfig {
  /** The name of the model's directory, and the name that clients use. */
  readonly name: string;
  /** For example `onnxruntime_onnx`; "" when the backend has no platforms. */
  readonly platform: string;
  /** Name of the backend that runs the model; "" only for ensembles. */
  readonly backend: string;
  readonly versionPolicy: VersionPolicy;
  /** Most rows in one batch. 0: the model does not batch, and no shape has a batch dimension. */
  readonly maxBatchSize: number;
  /** All inputs of the model, in the order of the config or, when that has none, of the model. */
  readonly input: readonly ModelInput[];
  /** At least one of the model's outputs, in the order of the config or, when that has none, of the model. */
  readonly output: readonly ModelOutput[];
  /** At least one, except for ensembles, which have none. Names differ. */
  readonly instanceGroup: readonly InstanceGroup[];
  /** File or directory inside the version directory; "" only for ensembles. */
  readonly defaultModelFilename: string;
  /** Extra labels of the model's metrics, without the `_` that the metrics put before the key. */
  readonly metricTags: ReadonlyMap<string, string>;
  /** The backend's own settings, as written. */
  readonly parameters: ReadonlyMap<string, string>;
  /** `null`: requests run one by one. */
  readonly dynamicBatching: DynamicBatching | null;
  /** Set for ensembles, and only for them. */
  readonly ensembleScheduling: EnsembleScheduling | null;
  readonly optimization: Optimization;
  /** Responses are kept and given to requests with the same content. */
  readonly isResponseCacheEnabled: boolean;
}

/** Which of the version directories are served. */
export type VersionPolicy =
  | {
      readonly kind: "latest";
      /** The highest so many version numbers; at least 1. */
      readonly numVersions: number;
    }
  | { readonly kind: "all" }
  | {
      readonly kind: "specific";
      /** As written, without repeats; at least one, each at least 0. */
      readonly versions: readonly number[];
    };

/** How an image input is laid out. Descriptive: the server does not convert. */
export type TensorFormat = "FORMAT_NONE" | "FORMAT_NHWC" | "FORMAT_NCHW";

/** What inputs and outputs have in common. */
export interface ModelTensorConfig {
  readonly name: string;
  readonly datatype: DataType;
  /** Shape of one item on the wire, without the batch dimension; at least one entry, -1 is variable. */
  readonly dims: Shape;
  /**
   * Shape of one item as the model sees it, without the batch dimension; `null`: the same as {@link dims}. May be
   * empty, for models that take or give one scalar per row.
   */
  readonly reshape: Shape | null;
}

/** A tensor that the model takes. */
export interface ModelInput extends ModelTensorConfig {
  readonly format: TensorFormat;
  /** Requests may leave this input out. Only when {@link ModelConfig.maxBatchSize} is 0. */
  readonly isOptional: boolean;
}

/** A tensor that the model gives. */
export interface ModelOutput extends ModelTensorConfig {
  /** File in the model's directory that names the classes, one per line; "" when there is none. */
  readonly labelFilename: string;
}

/** Where a model's instances run. KIND_GPU only when the config asks for it: no group ends up there by itself. */
export type InstanceKind = "KIND_CPU" | "KIND_GPU";

/** Some equal instances of a model. */
export interface InstanceGroup {
  /** Instances are named `<name>_<i>`. */
  readonly name: string;
  readonly kind: InstanceKind;
  /** Instances per device; at least 1. */
  readonly count: number;
  /** GPU indices of a KIND_GPU group: {@link count} instances on each. Empty: every GPU that the backend finds. */
  readonly gpus: readonly number[];
}

/** Rules of the dynamic batcher. */
export interface DynamicBatching {
  /** As written, each from 1 to {@link ModelConfig.maxBatchSize}. Empty only when that is 0. */
  readonly preferredBatchSize: readonly number[];
  /** Longest time that the oldest request waits for others to join, in µs. 0: never wait. */
  readonly maxQueueDelayUs: number;
}

/** The models of an ensemble and how their tensors are joined. */
export interface EnsembleScheduling {
  /** At least one. */
  readonly steps: readonly EnsembleStep[];
  /** Most requests inside each step at once; 0: any number. */
  readonly maxInflightRequests: number;
}

/** One model of an ensemble. */
export interface EnsembleStep {
  readonly modelName: string;
  /** -1: the newest ready one. */
  readonly modelVersion: number;
  /** The model's inputs → tensors of the ensemble. */
  readonly inputMap: ReadonlyMap<string, string>;
  /** The model's outputs → tensors of the ensemble. */
  readonly outputMap: ReadonlyMap<string, string>;
}

/** What the backend may do to the model before it runs it. */
export interface Optimization {
  /** 0: the backend's default. For ONNX Runtime also -1 basic, 1 extended, 2 none. */
  readonly graphLevel: number;
}

/** Shape of one item as the model sees it: `reshape` when there is one, else `dims`. */
export function modelDims(tensor: ModelTensorConfig): Shape {
  return tensor.reshape ?? tensor.dims;
}

/** `dims` with the batch dimension (-1) in front when the model batches. */
export function withBatchDim(dims: Shape, maxBatchSize: number): Shape {
  return maxBatchSize > 0 ? [-1, ...dims] : dims;
}
