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
  /** Inputs of the model that the server makes. None of them is in {@link input}. */
  readonly batchInput: readonly BatchInput[];
  /** Outputs that are cut by the shapes of an input. */
  readonly batchOutput: readonly BatchOutput[];
  /** At least one, except for ensembles, which have none. Names differ. */
  readonly instanceGroup: readonly InstanceGroup[];
  /** File or directory inside the version directory; "" only for ensembles. */
  readonly defaultModelFilename: string;
  /** Extra labels of the model's metrics, without the `_` that the metrics put before the key. */
  readonly metricTags: ReadonlyMap<string, string>;
  /** By the names of metrics: upper bounds of their histograms' buckets, ascending, at least one. */
  readonly histogramBuckets: ReadonlyMap<string, readonly number[]>;
  /** The backend's own settings, as written. */
  readonly parameters: ReadonlyMap<string, string>;
  /** Run in this order before the model's files are used. */
  readonly repositoryAgents: readonly RepositoryAgent[];
  /** Name of a scheduler of somebody else's, from the parameter `scheduler`; "": one of the server's own. */
  readonly schedulerName: string;
  /** `null`: requests run one by one. */
  readonly dynamicBatching: DynamicBatching | null;
  /** Set for models whose requests belong to sequences. Never together with {@link dynamicBatching}. */
  readonly sequenceBatching: SequenceBatching | null;
  /** Set for ensembles, and only for them. */
  readonly ensembleScheduling: EnsembleScheduling | null;
  readonly optimization: Optimization;
  /** Responses are kept and given to requests with the same content. */
  readonly isResponseCacheEnabled: boolean;
  /** Run on each instance before it counts as loaded. Empty for ensembles. */
  readonly modelWarmup: readonly WarmupSampleConfig[];
  /** Requests get any number of responses. Only with backends that answer each request by itself. */
  readonly isDecoupled: boolean;
}

/** A check that the model's directory must pass before it is loaded. */
export interface RepositoryAgent {
  /** As written; whether there is such an agent is known where they run. */
  readonly name: string;
  readonly parameters: ReadonlyMap<string, string>;
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
  /** Requests may leave this input out. */
  readonly isOptional: boolean;
  /** Requests whose shapes differ may share a batch: the model sees a tensor of rank 1 with the elements of all. */
  readonly allowRaggedBatch: boolean;
}

/** What the server tells a model of the composition of a batch. */
export type BatchInputKind =
  | "BATCH_ELEMENT_COUNT"
  | "BATCH_ACCUMULATED_ELEMENT_COUNT"
  | "BATCH_ACCUMULATED_ELEMENT_COUNT_WITH_ZERO"
  | "BATCH_MAX_ELEMENT_COUNT_AS_SHAPE"
  | "BATCH_ITEM_SHAPE"
  | "BATCH_ITEM_SHAPE_FLATTEN";

/** An input that the server makes. */
export interface BatchInput {
  readonly kind: BatchInputKind;
  /** The model's inputs that receive it; at least one. */
  readonly targetName: readonly string[];
  readonly datatype: DataType;
  /** The input whose shapes in the batch it describes. */
  readonly sourceInput: string;
}

/** Outputs whose elements are given to the requests by the shapes of an input of theirs. */
export interface BatchOutput {
  readonly targetName: readonly string[];
  readonly sourceInput: string;
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
  /** The instances are loaded and never given work. Not true of all groups of a model. */
  readonly isPassive: boolean;
  /** What each execution needs of the rate limiter; `null`: nothing. */
  readonly rateLimiter: RateLimiterConfig | null;
}

/** What an execution holds while it lasts. Without meaning unless the server limits rates. */
export interface RateLimiterConfig {
  readonly resources: readonly RateLimiterResource[];
  /** At least 1; with 2, half as many executions as with 1. */
  readonly priority: number;
}

/** A resource of {@link RateLimiterConfig}. */
export interface RateLimiterResource {
  readonly name: string;
  /** All devices share it. */
  readonly isGlobal: boolean;
  readonly count: number;
}

/** Rules of the dynamic batcher. */
export interface DynamicBatching {
  /** As written, each from 1 to {@link ModelConfig.maxBatchSize}. Empty when that is 0 or there is a latency target. */
  readonly preferredBatchSize: readonly number[];
  /** Longest time that the oldest request waits for others to join, in µs. 0: never wait. */
  readonly maxQueueDelayUs: number;
  /**
   * Longest time from a request's arrival to its response in µs, which then decides on batch sizes and waiting:
   * {@link preferredBatchSize} is empty and {@link maxQueueDelayUs} 0. 0: no target.
   */
  readonly latencyTargetUs: number;
  /** Inputs that are padded, so that requests of different lengths share a batch. Empty: none. */
  readonly pad: readonly PaddingRule[];
  /** The largest part of a padded input that may be padding, 0 to 1, apart from what {@link PaddingRule.multipleOf} adds. */
  readonly maxPaddingShare: number;
  /** Responses leave in the order of their requests, over all instances. Then there are no priorities. */
  readonly preserveOrdering: boolean;
  /** Levels are 1, the highest, to this one. 0: no priorities. */
  readonly priorityLevels: number;
  /** Level of requests that name none or one that does not exist. 0 only without priorities. */
  readonly defaultPriorityLevel: number;
  readonly defaultQueuePolicy: QueuePolicy;
  /** By level; the others have {@link defaultQueuePolicy}. */
  readonly priorityQueuePolicy: ReadonlyMap<number, QueuePolicy>;
}

/** How one input is made equally long in all requests of a batch. */
export interface PaddingRule {
  /** One of {@link ModelConfig.input}, neither BYTES nor ragged nor reshaped. */
  readonly input: string;
  /** Its variable dimension that is padded, the batch dimension being 0. */
  readonly axis: number;
  /** What is put behind the shorter requests' elements; a value that the input's type can hold. */
  readonly value: number;
  /** The padded length is a multiple of this; at least 1. */
  readonly multipleOf: number;
  /** `null`: the model is not told which positions are padding. */
  readonly mask: PaddingMask | null;
  /** Outputs that are cut back to each request's length, and along which axis, the batch dimension being 0. */
  readonly outputs: ReadonlyMap<string, number>;
}

/** An input that the server fills: 1 where a request has an element, 0 where there is padding. Shape [rows, length]. */
export interface PaddingMask {
  /** Not in {@link ModelConfig.input}. */
  readonly name: string;
  readonly datatype: DataType;
}

/** What happens to a request that waited too long. */
export type TimeoutAction = "REJECT" | "DELAY";

/** Limits of a queue, or of one priority level of it. */
export interface QueuePolicy {
  readonly timeoutAction: TimeoutAction;
  /** Longest wait in µs; 0: for ever. */
  readonly defaultTimeoutUs: number;
  /** A request's own timeout counts where it is shorter than {@link defaultTimeoutUs}. */
  readonly allowTimeoutOverride: boolean;
  /** Most requests that wait; 0: any number. */
  readonly maxQueueSize: number;
}

/** Rules for the requests of sequences. */
export interface SequenceBatching {
  /** A sequence with nothing to do for so long ends, in µs; at least 1. */
  readonly maxSequenceIdleUs: number;
  /** Inputs of the model that the server fills. None of them is in {@link ModelConfig.input}. */
  readonly controlInput: readonly ControlInput[];
  readonly strategy: DirectStrategy | OldestStrategy;
  /** What the server carries from request to request. */
  readonly state: readonly SequenceState[];
  /** The model may have a request executed again; a request without a correlation id is a sequence of its own. */
  readonly isIterative: boolean;
}

/** What a control input tells the model. */
export type ControlKind =
  | "CONTROL_SEQUENCE_START"
  | "CONTROL_SEQUENCE_READY"
  | "CONTROL_SEQUENCE_END"
  | "CONTROL_SEQUENCE_CORRID";

/** An input that the server fills, with one element for each request. */
export interface ControlInput {
  readonly name: string;
  readonly kind: ControlKind;
  readonly datatype: DataType;
  /** Its values for false and true, 0 or 1 when it is a BOOL; `null` only for CONTROL_SEQUENCE_CORRID. */
  readonly falseTrue: readonly [number, number] | null;
}

/** Each sequence keeps its row of the batch. */
export interface DirectStrategy {
  readonly kind: "direct";
  /** Longest time that the oldest request waits for other slots to fill, in µs. 0: never wait. */
  readonly maxQueueDelayUs: number;
  /** Share of the slots, from 0 to 1, that ends the wait. 0: never wait. */
  readonly minimumSlotUtilization: number;
}

/** Sequences are batched as their requests come. */
export interface OldestStrategy {
  readonly kind: "oldest";
  /** Most sequences on one instance; below 1: {@link ModelConfig.maxBatchSize}, at least 1. */
  readonly maxCandidateSequences: number;
  /** As written, each from 1 to {@link ModelConfig.maxBatchSize}. Empty only when that is 0. */
  readonly preferredBatchSize: readonly number[];
  /** Longest time that the oldest request waits for others to join, in µs. 0: never wait. */
  readonly maxQueueDelayUs: number;
  /** Responses of an instance leave in the order of their requests. */
  readonly preserveOrdering: boolean;
}

/** A tensor that goes from one request of a sequence to the next. */
export interface SequenceState {
  /** Not in {@link ModelConfig.input}. */
  readonly inputName: string;
  /** In {@link ModelConfig.output} only when clients may see it. */
  readonly outputName: string;
  readonly datatype: DataType;
  /** Shape of one item, without the batch dimension. -1 is variable. */
  readonly dims: Shape;
  /** The value at a sequence's start; `null`: zeros and empty strings, variable dimensions 1. */
  readonly initialState: InitialState | null;
  readonly isSameBufferAsked: boolean;
}

/** What a state is at the start of a sequence. */
export interface InitialState {
  readonly name: string;
  /** Without -1. */
  readonly dims: Shape;
  /** File in the model's directory `initial_state`; `null`: zeros and empty strings. */
  readonly dataFile: string | null;
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
  /** An instance gets its next batch while it still executes one, however long that takes. */
  readonly eagerBatching: boolean;
}

/** A request that is tried when the model is loaded. */
export interface WarmupSampleConfig {
  readonly name: string;
  /** Copies of the request in one execution. 0: the sample is skipped. */
  readonly batchSize: number;
  /** By name, as many as the model has and clients would have to send. */
  readonly inputs: ReadonlyMap<string, WarmupInput>;
  /** Executions; at least 1. */
  readonly count: number;
}

/** An input of a {@link WarmupSampleConfig}. */
export interface WarmupInput {
  readonly datatype: DataType;
  /** Without the batch dimension; no dimension is variable. */
  readonly dims: Shape;
  readonly source: WarmupSource;
}

/** Where the values of a {@link WarmupInput} come from. */
export type WarmupSource =
  | { readonly kind: "zero" }
  | { readonly kind: "random" }
  | {
      readonly kind: "file";
      /** In the model's directory `warmup`. */
      readonly filename: string;
    };

/** Shape of one item as the model sees it: `reshape` when there is one, else `dims`. */
export function modelDims(tensor: ModelTensorConfig): Shape {
  return tensor.reshape ?? tensor.dims;
}

/** `dims` with the batch dimension (-1) in front when the model batches. */
export function withBatchDim(dims: Shape, maxBatchSize: number): Shape {
  return maxBatchSize > 0 ? [-1, ...dims] : dims;
}
