/**
 * What a model of the JavaScript backend exports and sees. Types only: `import type { … } from "nereid/javascript"`.
 *
 * ```js
 * // model_repository/add/1/model.mjs
 * export function execute(requests) {
 *   return requests.map((request) => {
 *     const a = request.input("INPUT0").data;
 *     const b = request.input("INPUT1").data;
 *     return { outputs: { OUTPUT0: a.map((value, i) => value + b[i]) } };
 *   });
 * }
 * ```
 *
 * @see backends/javascript/README.md
 */

/** The exports of a model file. Only {@link execute} has to be there. */
export interface JavaScriptModel {
  /**
   * Says what `config.json` leaves out: batch size, inputs and outputs, dynamic batching, decoupled or not. Called first,
   * in each instance, unless auto-complete is disabled. What the file says counts.
   */
  autoCompleteConfig?: (config: ModelConfigFields) => CompletedFields | Promise<CompletedFields>;
  /** Called once per instance, with the complete config, before the first request. What it throws fails the load. */
  initialize?: (context: ModelContext) => unknown;
  /**
   * Runs a batch of requests; each instance runs one at a time.
   *
   * @returns For a model that is not decoupled: an array with one entry per request, in their order, which is its
   * response, or an Error for that request alone, or nothing when it was answered or rescheduled through its own methods. A decoupled
   * model returns nothing, and may answer after it has returned. What is thrown fails all requests of the batch that have
   * not been answered.
   */
  execute: (
    requests: readonly ModelRequest[],
    context: ModelContext,
  ) => ExecuteResult | Promise<ExecuteResult> | Promise<void>;
  /** Called once, when all requests have been answered and the model is unloaded. */
  finalize?: () => unknown;
}

/** What {@link JavaScriptModel.execute} returns. */
export type ExecuteResult = readonly (ModelResponse | Error | null | undefined)[] | null | undefined;

/** A config in the form of `config.json`. */
export type ModelConfigFields = Readonly<Record<string, unknown>>;

/** A tensor in a config: `data_type` as `TYPE_FP32`, `TYPE_STRING`. `dims` are without the batch dimension. */
export interface ConfigTensor {
  readonly name: string;
  readonly data_type: string;
  readonly dims: readonly number[];
  readonly [field: string]: unknown;
}

/** What {@link JavaScriptModel.autoCompleteConfig} may say. */
export interface CompletedFields {
  readonly max_batch_size?: number;
  readonly input?: readonly ConfigTensor[];
  readonly output?: readonly ConfigTensor[];
  readonly dynamic_batching?: Readonly<Record<string, unknown>>;
  readonly model_transaction_policy?: { readonly decoupled: boolean };
}

/** The eight kinds of errors. */
export type ErrorCode =
  | "UNKNOWN"
  | "INTERNAL"
  | "NOT_FOUND"
  | "INVALID_ARG"
  | "UNAVAILABLE"
  | "UNSUPPORTED"
  | "ALREADY_EXISTS"
  | "CANCELLED";

/** Names of the tensor element types. BYTES are strings. */
export type TensorDataType = keyof TensorArrays | "BYTES";

/** What the elements of each type lie in. FP16 and BF16 are given as their bits. */
export interface TensorArrays {
  BOOL: Uint8Array;
  UINT8: Uint8Array;
  UINT16: Uint16Array;
  UINT32: Uint32Array;
  UINT64: BigUint64Array;
  INT8: Int8Array;
  INT16: Int16Array;
  INT32: Int32Array;
  INT64: BigInt64Array;
  FP16: Uint16Array;
  BF16: Uint16Array;
  FP32: Float32Array;
  FP64: Float64Array;
}

/** A custom parameter of a request or response. */
export type ParameterValue = string | number | bigint | boolean;

/** A tensor that the model receives. */
export interface InputTensor {
  readonly name: string;
  readonly datatype: TensorDataType;
  /** With the batch dimension first when the model batches. */
  readonly shape: readonly number[];
  /**
   * The elements, row by row: a view of what came in, not a copy. BYTES are decoded as UTF-8 when this is first read.
   */
  readonly data: TensorArrays[keyof TensorArrays] | readonly string[];
  /** The wire's bytes: little-endian; BYTES elements each after their length as a uint32. A view. */
  readonly bytes: Uint8Array;
  /** {@link data} as what this type's elements lie in. @throws Error when the tensor has another type. */
  as<T extends keyof TensorArrays>(datatype: T): TensorArrays[T];
  /** BYTES elements as text, decoded as UTF-8. @throws Error when the tensor has another type. */
  strings(): readonly string[];
  /** BYTES elements as they came; views. @throws Error when the tensor has another type. */
  elements(): readonly Uint8Array[];
}

/** Elements of an output: an array of the type's own kind (kept as it is), or values that are converted and checked. */
export type OutputElements =
  | TensorArrays[keyof TensorArrays]
  | readonly (number | bigint | boolean)[]
  | readonly (string | Uint8Array)[]
  | number
  | bigint
  | boolean
  | string;

/** An output with its shape or its bytes. The datatype is the config's. */
export interface OutputTensor {
  /** May be left out when the config's `dims` and the number of elements leave only one. */
  readonly shape?: readonly number[];
  readonly data?: OutputElements;
  /** In the place of {@link data}: the elements in wire form. */
  readonly bytes?: Uint8Array;
  /** The buffer behind `data` or `bytes` is moved instead of copied, and cannot be used here afterwards. */
  readonly transfer?: boolean;
}

/** An output: its elements alone, or with more. */
export type OutputValue = OutputElements | OutputTensor;

/** A response. */
export interface ModelResponse {
  /** By name. What the client did not ask for is dropped. */
  readonly outputs: Readonly<Record<string, OutputValue>>;
  readonly parameters?: Readonly<Record<string, ParameterValue>>;
}

/** One request. */
export interface ModelRequest {
  /** The client's, "" when it sent none. */
  readonly id: string;
  /** By name. Optional inputs that the client left out are not there. */
  readonly inputs: Readonly<Record<string, InputTensor>>;
  /** @throws Error when the model has no such input or the client left it out. */
  input(name: string): InputTensor;
  /** Names of the outputs that the client wants. */
  readonly requestedOutputs: readonly string[];
  readonly parameters: Readonly<Record<string, ParameterValue>>;
  /** Rows; 1 when the model does not batch. */
  readonly batchSize: number;
  readonly priority: number;
  /** 0: none. */
  readonly timeoutUs: number;
  /** 0 or "": the request belongs to no sequence. */
  readonly correlationId: number | bigint | string;
  readonly isSequenceStart: boolean;
  readonly isSequenceEnd: boolean;
  /** Aborted when the client has gone. Wakes what waits. */
  readonly signal: AbortSignal;
  /** The client has gone. For loops that compute without waiting. */
  isCancelled(): boolean;
  /** It has had its final answer, or was rescheduled. */
  readonly isDone: boolean;
  /**
   * Gives a response. For a model that is not decoupled it is the only one; a decoupled model gives as many as it likes.
   *
   * @param options.isFinal - Nothing follows. Otherwise {@link end} has to be called.
   * @returns Resolves when the client can take another one: await it, so that responses do not pile up.
   * @throws Error when the request has been answered or the response is not what the config says.
   */
  respond(response: ModelResponse, options?: { readonly isFinal?: boolean }): Promise<void>;
  /**
   * Gives an error. It is the last answer unless `isFinal` is false, which only decoupled models may say.
   *
   * @param error - Its `message` goes to the client; its `code`, if it has one of {@link ErrorCode}, decides the status,
   * which otherwise is INTERNAL.
   */
  fail(error: Error | string, options?: { readonly isFinal?: boolean }): Promise<void>;
  /** Ends a request of a decoupled model. @throws Error when it has been answered, or the model is not decoupled. */
  end(): void;
  /**
   * Has the request executed once more: it goes back to the scheduler and comes with a later batch, with the same inputs,
   * the same `correlationId`, and `isSequenceStart` false. What was answered before stays. Any model whose config has
   * `sequence_batching.iterative_sequence` may; with any other the client gets an error.
   *
   * @throws Error when it has been answered.
   */
  reschedule(): void;
  /** {@link ModelContext.infer}, cancelled when this request is. */
  infer(call: InferCall): Promise<InferResponse>;
  /** {@link ModelContext.inferStream}, cancelled when this request is. */
  inferStream(call: InferCall): AsyncIterableIterator<InferResponse>;
}

/** An input of an {@link InferCall}: a tensor that came from a request or response, or a new one. */
export type CallInput =
  | InputTensor
  | (OutputTensor & { readonly datatype: TensorDataType; readonly shape: readonly number[] });

/** A request to a model of this server. */
export interface InferCall {
  readonly model: string;
  /** The highest version that is ready when it is left out. */
  readonly version?: number | string;
  /** By name. Shapes have the batch dimension first when that model batches. */
  readonly inputs: Readonly<Record<string, CallInput>>;
  /** All when left out. */
  readonly requestedOutputs?: readonly string[];
  readonly id?: string;
  readonly parameters?: Readonly<Record<string, ParameterValue>>;
  readonly priority?: number;
  /** How long it may wait in that model's queue. */
  readonly timeoutUs?: number;
  readonly correlationId?: number | bigint | string;
  readonly isSequenceStart?: boolean;
  readonly isSequenceEnd?: boolean;
  /** Cancels the call when it is aborted. */
  readonly signal?: AbortSignal;
}

/** A response of another model. */
export interface InferResponse {
  readonly modelName: string;
  readonly modelVersion: string;
  /** By name. */
  readonly outputs: Readonly<Record<string, InputTensor>>;
  readonly parameters: Readonly<Record<string, ParameterValue>>;
}

/** What {@link ModelContext.infer} throws when the other model fails. Thrown on, it has the same status. */
export interface InferError extends Error {
  readonly code: ErrorCode;
}

/** Writes to the server's log, if that has the severity switched on. */
export interface ModelLogger {
  info(message: string): void;
  warning(message: string): void;
  error(message: string): void;
  /** Level 1. */
  verbose(message: string): void;
}

/** Where the model runs. */
export interface ModelContext {
  readonly modelName: string;
  readonly modelVersion: string;
  readonly instanceName: string;
  readonly kind: "KIND_CPU";
  /** Cores that this instance should use at most. */
  readonly threadCount: number;
  /** The directory of this version: the model's own files lie there. */
  readonly versionDirectory: string;
  /** The complete config, as clients see it. */
  readonly config: ModelConfigFields;
  /** The config's `parameters`. */
  readonly parameters: Readonly<Record<string, string>>;
  readonly isDecoupled: boolean;
  readonly logger: ModelLogger;
  /**
   * Sends a request to a model of this server, which may be this one when it has another instance.
   *
   * @throws InferError with that model's status: NOT_FOUND for an unknown model, CANCELLED when `signal` was aborted, …
   */
  infer(call: InferCall): Promise<InferResponse>;
  /**
   * The same for decoupled models: gives the responses as they come. Leaving the loop cancels the rest. An error of a
   * response is thrown and ends the iteration.
   */
  inferStream(call: InferCall): AsyncIterableIterator<InferResponse>;
}
