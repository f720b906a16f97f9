import type { DataType } from "../server/core/data-type.ts";
import type { CorrelationId, ParameterValue } from "../server/core/inference-request.ts";
import type { Failure } from "../server/core/status.ts";
import type { ModelConfig } from "../server/model-config/model-config.ts";
import type { BatchSpec, ModelInstanceInit, ModelSignature } from "./backend.ts";
import type { ServerAccess } from "./server-access.ts";

/** What the worker of a backend with {@link Backend.executionStyle} `requests` imports. */
export interface RequestInstanceModule {
  /** As {@link ModelInstanceModule.createModelInstance}. */
  createModelInstance(
    init: ModelInstanceInit,
    server: ServerAccess,
  ): RequestModelInstance | Promise<RequestModelInstance>;
}

/** A loaded model in its worker thread that sees each request by itself. */
export interface RequestModelInstance {
  /** What the model file declares; `null` when only the config says what the model takes and gives. */
  readonly signature: ModelSignature | null;
  /**
   * Fields that the model adds to its config where the file leaves them out, in the form of `config.json`, or `null`.
   * Only what its loading has not depended on; see server/model-config/config-completion.ts.
   */
  readonly completion: object | null;
  /** Called once, with the complete config, before the first batch. What it throws fails the load. */
  bind(spec: BatchSpec, config: ModelConfig): void | Promise<void>;
  /**
   * Runs a batch. One at a time: the next one comes when this has returned or its promise has settled. By then every
   * request must be answered or rescheduled, unless the model is decoupled: then that may come later.
   *
   * @returns `null`, or a failure for all requests of the batch that have not been answered. Throwing does the same.
   */
  execute(requests: readonly ExecutionRequest[]): Failure | null | Promise<Failure | null>;
  /** Releases all resources. Called once, when all requests have been answered. */
  finalize(): void | Promise<void>;
}

/** One tensor of a request, inside the instance's worker. */
export interface RequestInput {
  readonly name: string;
  readonly datatype: DataType;
  /** As the model sees it, with the request's batch dimension first when the model batches. */
  readonly shape: readonly number[];
  /** Wire form, at a multiple of 8 bytes of its buffer. The instance's to keep. */
  readonly data: Uint8Array;
}

/** One tensor of a response, inside the instance's worker. */
export interface RequestOutput {
  readonly name: string;
  readonly datatype: DataType;
  readonly shape: readonly number[];
  /** Wire form. */
  readonly data: Uint8Array;
  /** The whole buffer behind `data` may be moved away instead of copied: nobody uses it any more. */
  readonly canTransfer: boolean;
}

/** One request, inside the instance's worker. Answered through its methods. */
export interface ExecutionRequest {
  readonly id: string;
  /** In the config's order. Optional inputs that the client left out are not there. */
  readonly inputs: readonly RequestInput[];
  /** Names of the outputs that the client wants; all of the model's when it named none. */
  readonly requestedOutputs: readonly string[];
  readonly parameters: ReadonlyMap<string, ParameterValue>;
  readonly batchSize: number;
  readonly priority: number;
  readonly timeoutUs: number;
  readonly correlationId: CorrelationId;
  readonly isSequenceStart: boolean;
  readonly isSequenceEnd: boolean;
  /** It has had its final answer, or was rescheduled. */
  readonly isDone: boolean;
  /** The client has gone. Looks for messages, so that it turns true inside a loop that never awaits. */
  isCancelled(): boolean;
  /** Calls back once, when the client goes while the request is open; at once when it has gone. */
  onCancelled(listener: () => void): void;
  /**
   * Gives a response. For a model that is not decoupled it is the only one and the last.
   *
   * @param isFinal - Nothing follows.
   * @returns Resolves when one more may be given without piling up in front of a slow client.
   * @throws StatusError INTERNAL when the request has been answered, or the outputs are not what the config says: then
   * nothing was sent.
   */
  respond(
    outputs: readonly RequestOutput[],
    parameters: ReadonlyMap<string, ParameterValue> | null,
    isFinal: boolean,
  ): Promise<void>;
  /** Gives a failure, after which nothing follows when `isFinal`. @throws StatusError when it has been answered. */
  fail(failure: Failure, isFinal: boolean): Promise<void>;
  /** Ends a request of a decoupled model. @throws StatusError when it has been answered, or the model is not decoupled. */
  end(): void;
  /**
   * Gives the request back to be executed once more: it comes with a later batch, as another object. What was answered
   * before stays. When the model's config has no `iterative_sequence` the client gets an error.
   *
   * @throws StatusError when it has been answered.
   */
  reschedule(): void;
}
