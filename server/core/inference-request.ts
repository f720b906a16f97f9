import type { InferenceResponse } from "./inference-response.ts";
import type { Failure } from "./status.ts";
import type { Tensor } from "./tensor.ts";

/** Where a request is in its life. Only ever moves forward. */
export const requestState = {
  /** Being filled in by a front end. */
  created: 0,
  /** Owned by a scheduler, waiting. The only state in which a cancellation takes effect at once. */
  queued: 1,
  /** Owned by a model instance. */
  executing: 2,
  /** Answered: the sink has been called and will not be called again. */
  done: 3,
} as const;
export type RequestState = (typeof requestState)[keyof typeof requestState];

/** A custom or protocol parameter of a request. 64-bit integers beyond 2^53 arrive as `bigint`. */
export type ParameterValue = string | number | bigint | boolean;

/**
 * Receives the outcome of one request: exactly one of the two methods, exactly once. The front ends implement it.
 */
export interface ResponseSink {
  /**
   * @param response - Its tensors are views that are recycled when this method returns: write or copy them, or
   * call {@link InferenceResponse.retain}.
   */
  onResponse(response: InferenceResponse): void;
  onFailure(failure: Failure): void;
}

/** Whoever holds a request that waits, so that a cancellation can take it out. Schedulers implement it. */
export interface RequestHolder {
  /** Called while `request.state` is `queued`. Drops the request and fails it with CANCELLED. */
  onCancelled(request: InferenceRequest): void;
}

/** Told when a request has ended, before the sink is. The model's statistics implement it. */
export interface RequestObserver {
  onSuccess(request: InferenceRequest): void;
  /** @param wasExecuting - It had been handed to an instance; otherwise it failed while it waited. */
  onFailed(request: InferenceRequest, failure: Failure, wasExecuting: boolean): void;
}

/**
 * One inference request, from the codec that read it to the sink that answers it.
 *
 * @remarks
 * Ownership moves: front end → scheduler (when `enqueue` accepts it) → model instance → sink. Only the owner may
 * call {@link complete} or {@link fail}. Input data belongs to the request until then; after `complete` or `fail`
 * nobody reads it any more.
 *
 * Both front ends build this very class and every field is set here, in this order, so that the engine sees one
 * object shape (unit test "InferenceRequest has one hidden class").
 */
export class InferenceRequest {
  /** The client's id, echoed in the response; "" when the client sent none. */
  readonly id: string;
  /** Inputs by name as the client sent them; validation puts them in the config's order. */
  inputs: Tensor[];
  /** Names of the wanted outputs; empty means all. */
  readonly requestedOutputs: readonly string[];
  /** Custom parameters for the backend, or `null` when there are none. */
  readonly parameters: ReadonlyMap<string, ParameterValue> | null;
  /** 0 means the model's default level. */
  readonly priority: number;
  /** Queue timeout asked for by the client in µs; 0 means none. */
  readonly timeoutUs: number;
  /** Replaced by the model when the outputs have to be transformed on their way. */
  sink: ResponseSink;
  /** Outputs wanted as classes, with how many of them, or `null`. Set by the front end after construction. */
  classifications: ReadonlyMap<string, number> | null = null;

  state: RequestState = requestState.created;
  /** Set by validation: the first dimension for batching models, else 1. May be 0. */
  batchSize = 1;
  /**
   * Bit i set: output i of the model is wanted. Set by validation from {@link requestedOutputs}. Models with more
   * than 30 outputs use -1, all.
   */
  outputMask = -1;
  /** The scheduler that holds this request, or `null`. */
  holder: RequestHolder | null = null;
  observer: RequestObserver | null = null;
  /** A cancellation arrived; the response is dropped when it comes. */
  isCancelled = false;

  /** Monotonic µs, 0 until reached. */
  requestStartUs = 0;
  queueStartUs = 0;
  computeStartUs = 0;
  computeInputEndUs = 0;
  computeOutputStartUs = 0;
  computeEndUs = 0;

  constructor(init: InferenceRequestInit) {
    this.id = init.id;
    this.inputs = init.inputs;
    this.requestedOutputs = init.requestedOutputs;
    this.parameters = init.parameters;
    this.priority = init.priority;
    this.timeoutUs = init.timeoutUs;
    this.sink = init.sink;
  }

  /** Answers with a response. Called by the owner, once. */
  complete(response: InferenceResponse): void {
    if (this.state === requestState.done) throw new Error("Request answered twice. This is a bug.");
    this.state = requestState.done;
    this.holder = null;
    this.observer?.onSuccess(this);
    this.sink.onResponse(response);
  }

  /** Answers with a failure. Called by the owner, once. */
  fail(failure: Failure): void {
    if (this.state === requestState.done) throw new Error("Request answered twice. This is a bug.");
    const wasExecuting = this.state === requestState.executing;
    this.state = requestState.done;
    this.holder = null;
    this.observer?.onFailed(this, failure, wasExecuting);
    this.sink.onFailure(failure);
  }

  /**
   * The client went away or changed its mind. A queued request is dropped and failed with CANCELLED at once; an
   * executing one runs to its end and its outcome is reported to the sink, which must cope with a client that is
   * gone. Calling it again, or after the end, does nothing.
   */
  cancel(): void {
    if (this.isCancelled || this.state === requestState.done) return;
    this.isCancelled = true;
    if (this.state === requestState.queued) this.holder?.onCancelled(this);
  }
}

/** What a front end knows of a request when it has read it. */
export interface InferenceRequestInit {
  readonly id: string;
  readonly inputs: Tensor[];
  readonly requestedOutputs: readonly string[];
  readonly parameters: ReadonlyMap<string, ParameterValue> | null;
  readonly priority: number;
  readonly timeoutUs: number;
  readonly sink: ResponseSink;
}
