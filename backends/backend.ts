import type { BatchInputKind, ControlKind, ModelConfig } from "../server/model-config/model-config.ts";
import type { DataType } from "../server/core/data-type.ts";
import type { Shape } from "../server/core/shape.ts";
import type { Failure } from "../server/core/status.ts";
import type { Tensor } from "../server/core/tensor.ts";

/**
 * What runs a framework's models. One object per backend for the whole server; it lives on the main thread and
 * only prepares: the models themselves run in {@link ModelInstance}s, each in a worker thread of its own.
 */
export interface Backend {
  /** The name a config gives in `backend`. */
  readonly name: string;
  /** The platforms a config may give in `platform`; the first is the default. Empty when there are none. */
  readonly platforms: readonly string[];
  /** File or directory inside the version directory, when the config gives no `default_model_filename`. */
  readonly defaultModelFilename: string;
  /** Instances of a KIND_CPU group whose config gives no count. */
  readonly defaultCpuInstanceCount: number;
  /**
   * How instances get their work. `batch`: the inputs of all requests of a batch joined in one buffer, which comes back
   * with the outputs; the way of runtimes that compute on whole batches. `requests`: each request by itself, answered by
   * itself; the only way to have other than one response.
   */
  readonly executionStyle: "batch" | "requests";
  /**
   * URL of the module that the worker thread imports: a {@link ModelInstanceModule}, or a
   * {@link RequestInstanceModule} when {@link executionStyle} is `requests`.
   */
  readonly instanceModuleUrl: string;
  /** GPU indices that a KIND_GPU group without `gpus` gets an instance group's count of instances on each. */
  gpuDeviceIds(): readonly number[];
  /**
   * Refuses an input that this backend's runtime cannot carry although the protocol allows it, or `null` when
   * there is no such input. Looked up once per model; called for each BYTES input of each request.
   */
  readonly checkBytesInput: ((tensor: Tensor) => Failure | null) | null;
  /** What this backend puts in the start-up table: version, available devices. */
  describe(): string;
  /**
   * Reads what this backend needs from the config, once per model load.
   *
   * @returns Settings for the instances; must survive structured cloning.
   * @throws StatusError INVALID_ARG or UNSUPPORTED that names the config field.
   */
  resolveSettings(config: ModelConfig, serverSettings: BackendServerSettings): BackendModelSettings;
}

/**
 * The `--backend-config` settings that concern one backend, global ones included, and `auto-complete-config`, "true" or
 * "false".
 */
export type BackendServerSettings = ReadonlyMap<string, string>;

/** Settings of one model for one backend. */
export interface BackendModelSettings {
  /** Threads per instance that the config or command line asks for, or `null` to take a share of the core budget. */
  readonly intraOpThreadCount: number | null;
  /** What runs this model, where a backend has more than one way. */
  readonly engine?: BackendEngine;
  /** Anything else, for the backend's own instances only. */
  readonly options: unknown;
}

/** One of the ways in which a backend runs models. */
export interface BackendEngine {
  /** A word, which the model's metadata show behind the platform: `platform/engine`. */
  readonly name: string;
  /** For the log and for people. */
  readonly description: string;
}

/** What the worker imports. */
export interface ModelInstanceModule {
  /** Loads the model. Runs in the worker, so it may block. Throws a StatusError (or any Error) when it cannot. */
  createModelInstance(init: ModelInstanceInit): ModelInstance | Promise<ModelInstance>;
}

/** Where an instance runs and what it loads. Survives structured cloning. */
export interface ModelInstanceInit {
  readonly modelName: string;
  readonly modelVersion: string;
  readonly instanceName: string;
  /** Absolute path of the model file or directory. */
  readonly modelPath: string;
  readonly kind: "KIND_CPU" | "KIND_GPU" | "KIND_MODEL";
  /** GPU index for KIND_GPU, else -1. */
  readonly deviceId: number;
  /** Cores this instance may use at once: its slice of the server's core budget. At least 1. */
  readonly threadCount: number;
  readonly options: unknown;
}

/** A tensor that a model takes or gives, as the model file itself says. */
export interface TensorSignature {
  readonly name: string;
  /** `null`: a type that the protocol or the backend's runtime cannot carry; {@link modelType} names it. */
  readonly datatype: DataType | null;
  /** The framework's own name of the type, for messages. */
  readonly modelType: string;
  /** Full shape with -1 for variable dimensions, or `null` when the model does not fix the rank. */
  readonly shape: Shape | null;
}

/** The inputs and outputs that the model file declares. */
export interface ModelSignature {
  readonly inputs: readonly TensorSignature[];
  readonly outputs: readonly TensorSignature[];
}

/** A tensor of a model whose config is complete. */
export interface TensorSpec {
  readonly name: string;
  readonly datatype: DataType;
  /** Per item, without the batch dimension, as the model sees it (after `reshape`). -1 is variable. */
  readonly dims: Shape;
  /** Per item, as clients see it: differs from {@link dims} when the config reshapes. Same wildcards, same order. */
  readonly wireDims: Shape;
  /** A request may leave this input out. All requests of a batch then do. */
  readonly isOptional: boolean;
  /** How the tensors of the requests of a batch become one and are taken apart again. */
  readonly join: TensorJoin;
}

/** How a tensor of a batch is made up of those of its requests. A `source` is a position in {@link BatchSpec.inputs}. */
export type TensorJoin =
  /** The rows of one request after those of another, along the batch dimension. */
  | { readonly kind: "rows" }
  /** An input of rank 1: all elements of one request after those of another, whatever their shapes. */
  | { readonly kind: "flat" }
  /** An input that clients do not send: it tells the model how the batch is made up. */
  | { readonly kind: "generated"; readonly what: BatchInputKind; readonly source: number }
  /** An input whose requests may differ in one axis: the shorter ones are filled up with `padElement`. */
  | {
      readonly kind: "padded";
      /** At least 1: axis 0 is the batch dimension. */
      readonly axis: number;
      /** The axis becomes a multiple of this; at least 1. */
      readonly multipleOf: number;
      /** One element in wire form. */
      readonly padElement: Uint8Array;
    }
  /** An input [rows, length] that clients do not send: `oneElement` where a padded input has an element, else zero. */
  | { readonly kind: "mask"; readonly source: number; readonly oneElement: Uint8Array }
  /** An output in rows, some of whose axes are cut back to the requests' own lengths of padded inputs. */
  | { readonly kind: "trimmed"; readonly cuts: readonly OutputCut[] }
  /** An input that clients do not send: one element for each request says where in its sequence it is. */
  | {
      readonly kind: "control";
      readonly control: ControlKind;
      /** `null` only for CONTROL_SEQUENCE_CORRID. */
      readonly falseTrue: readonly [number, number] | null;
    }
  /**
   * An output of any rank: each request gets the next elements, as many as the wire's dimensions have when each variable
   * one takes its size from the same dimension of the request's input.
   */
  | { readonly kind: "scattered"; readonly source: number };

/** One axis of an output is as long as a padded input. */
export interface OutputCut {
  /** Of the output, the batch dimension being 0. */
  readonly axis: number;
  /** Position of the padded input in {@link BatchSpec.inputs}. */
  readonly source: number;
}

/** A tensor that the instance keeps for each sequence from one request to the next. */
export interface StateSpec {
  /** The model's input that receives it; not in {@link BatchSpec.inputs}. */
  readonly inputName: string;
  /** The model's output that gives its next value; in {@link BatchSpec.outputs} only when clients may see it. */
  readonly outputName: string;
  readonly datatype: DataType;
  /** Per item, without the batch dimension. -1 is variable. */
  readonly dims: Shape;
  /** Shape of the first value of a sequence, per item. */
  readonly initialDims: Shape;
  /** Its elements in wire form, or `null` for zeros and empty strings. */
  readonly initialData: Uint8Array | null;
}

/** What every batch of a model consists of. Survives structured cloning. */
export interface BatchSpec {
  /** 0: the model does not batch and shapes have no batch dimension. */
  readonly maxBatchSize: number;
  /** Those that the server fills come last. */
  readonly inputs: readonly TensorSpec[];
  readonly outputs: readonly TensorSpec[];
  readonly states: readonly StateSpec[];
}

/** One input of a batch, inside the instance's worker. */
export interface BatchInput {
  /** Position in {@link BatchSpec.inputs}. */
  readonly index: number;
  /** Full shape, with the batch dimension of the whole batch. */
  readonly shape: number[];
  /** {@link ExecutionBatch.buffer}, except for states. */
  readonly buffer: ArrayBuffer;
  /** Offset into the buffer, a multiple of 64. */
  readonly byteOffset: number;
  readonly byteLength: number;
}

/**
 * One batch, inside the instance's worker: the inputs of all its requests one after the other.
 *
 * @remarks The instance may read `buffer` until `execute` returned or its promise settled.
 */
export interface ExecutionBatch {
  /** Rows in the batch dimension; 1 for a model that does not batch. */
  readonly rows: number;
  readonly buffer: ArrayBuffer;
  /** Absent optional inputs are left out. */
  readonly inputs: readonly BatchInput[];
  /** Whether output i of {@link BatchSpec.outputs} is wanted by any request of the batch. */
  wantsOutput(index: number): boolean;
  /**
   * Memory for a fixed-size output that the reply carries without another copy, or `null` when its size is not
   * known beforehand. The instance writes `byteLength` bytes at `byteOffset` of `buffer`, then calls
   * {@link BatchOutputs.placed}.
   */
  placeFor(index: number): OutputPlace | null;
}

/** Memory inside {@link ExecutionBatch.buffer} reserved for an output. */
export interface OutputPlace {
  readonly byteOffset: number;
  readonly byteLength: number;
  /** Full shape, with the batch dimension of the whole batch. */
  readonly shape: readonly number[];
}

/** Receives the outputs of one batch. Each wanted output exactly once. */
export interface BatchOutputs {
  /** Output `index` was written to the place that {@link ExecutionBatch.placeFor} gave. */
  placed(index: number, shape: readonly number[]): void;
  /**
   * Output `index` lies elsewhere; BYTES in wire form. The bytes must stay valid until `execute` has returned or
   * its promise has settled.
   */
  produced(index: number, shape: readonly number[], data: Uint8Array): void;
  /** The time when the inputs were ready and execution began. */
  markInputEnd(): void;
  /** The time when execution returned and outputs are being copied. */
  markOutputStart(): void;
}

/**
 * A loaded model in its worker thread: one execution context. Runs one batch at a time.
 */
export interface ModelInstance {
  readonly signature: ModelSignature;
  /**
   * Called once, after the config was completed from {@link signature} and checked against it.
   *
   * @param spec - The states are among its inputs and outputs.
   */
  bind(spec: BatchSpec): void;
  /**
   * Runs one batch. Blocking is fine: nothing else happens in this thread.
   *
   * @returns `null` on success; a failure fails every request of the batch. A promise for the same is allowed.
   */
  execute(batch: ExecutionBatch, outputs: BatchOutputs): Failure | null | Promise<Failure | null>;
  /** Releases all resources. Called once, when no batch is executing. */
  finalize(): void | Promise<void>;
}
