import type { InferenceResponse } from "./inference-response.ts";
import type { RequestTrace } from "./request-trace.ts";
import { type Failure, failure } from "./status.ts";
import type { Tensor } from "./tensor.ts";

/** Where a request is in its life. Only ever moves forward, except that one which is rescheduled is queued again. */
export const requestState = {
  /** Being filled in by a front end. */
  created: 0,
  /** Owned by a scheduler, waiting. The only state in which a cancellation takes effect at once. */
  queued: 1,
  /** Owned by a model instance. */
  executing: 2,
  /** Answered: the sink has had its final call. */
  done: 3,
} as const;
export type RequestState = (typeof requestState)[keyof typeof requestState];

/** A custom or protocol parameter of a request. 64-bit integers beyond 2^53 arrive as `bigint`. */
export type ParameterValue = string | number | bigint | boolean;

/** Names a sequence: an unsigned 64-bit integer, as `bigint` beyond 2^53, or a text. 0 and "" name none. */
export type CorrelationId = number | bigint | string;

/**
 * Receives the outcome of one request. The front ends implement it.
 *
 * @remarks
 * Exactly one final call comes, and it is the last: {@link onResponse} or {@link onFailure} with `isFinal`, or
 * {@link onEnd}. Requests of models that are not decoupled get one response or one failure, which is final. Those of a
 * decoupled model may get any number of responses and failures before the final call.
 */
export interface ResponseSink {
  /**
   * @param response - Its tensors are views that are recycled when this method returns: write or copy them, or
   * call {@link InferenceResponse.retain}.
   */
  onResponse(response: InferenceResponse, isFinal: boolean): void;
  onFailure(failure: Failure, isFinal: boolean): void;
  /** The model said that it is done without another response. Decoupled models only. */
  onEnd(): void;
}

/**
 * The running side of a request that may get several responses, so that the client's side can slow it down and stop it.
 * Model instances implement it.
 */
export interface ResponseProducer {
  /** The client has gone: responses are of no use any more. The request still needs its final call. */
  onCancelled(request: InferenceRequest): void;
  /** A response has left: one more may be produced. Only told of requests with a {@link InferenceRequest.responseWindow}. */
  onResponseWritten(request: InferenceRequest): void;
}

/** Whoever holds a request that waits, so that a cancellation can take it out. Schedulers implement it. */
export interface RequestHolder {
  /** Called while `request.state` is `queued`. Drops the request and fails it with CANCELLED. */
  onCancelled(request: InferenceRequest): void;
}

/** Takes requests back that their models want to be executed again. Schedulers of iterative sequences implement it. */
export interface RequestRescheduler {
  /** The model has asked for another run. Takes ownership of the request, whose state is `executing`. */
  onRescheduled(request: InferenceRequest): void;
  /** The execution has ended, and the model keeps the request open without computing. */
  onHeld(request: InferenceRequest): void;
}

/** What the client of a model gets that asks for another run and may not. */
const notReschedulable = failure(
  "INVALID_ARG",
  "the model released the request with the flag TRITONSERVER_REQUEST_RELEASE_RESCHEDULE, which only models whose configuration has sequence_batching.iterative_sequence may use",
);

/** Told when a request has ended, before the sink is. The model's statistics implement it. */
export interface RequestObserver {
  /** All responses have been given, and none of them was a failure. */
  onSuccess(request: InferenceRequest): void;
  /** @param wasExecuting - It had been handed to an instance; otherwise it failed while it waited. */
  onFailed(request: InferenceRequest, failure: Failure, wasExecuting: boolean): void;
  /** It waits again, for another run. */
  onRequeued(request: InferenceRequest): void;
}

/** Told when a request gets its first response or failure, before its sink is. */
export interface FirstResponseListener {
  onFirstResponse(request: InferenceRequest): void;
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
  /** Which sequence the request belongs to; 0 or "": none. The scheduler of iterative sequences gives one to those. */
  correlationId: CorrelationId;
  /** False from the second run of a rescheduled request on. */
  isSequenceStart: boolean;
  readonly isSequenceEnd: boolean;
  /** Replaced by the model when the outputs have to be transformed on their way. */
  sink: ResponseSink;
  /** Outputs wanted as classes, with how many of them, or `null`. Set by the front end after construction. */
  classifications: ReadonlyMap<string, number> | null = null;
  /**
   * Most responses that may be produced and not yet written; 0: no limit. Set by front ends that can fall behind, which
   * then call {@link responseWritten} for each response.
   */
  responseWindow = 0;
  /** Others may change the bytes of {@link inputs} while the request lives: they are a client's shared memory. */
  areInputsVolatile = false;

  state: RequestState = requestState.created;
  /** Set by validation: the first dimension for batching models, else 1. May be 0. */
  batchSize = 1;
  /**
   * Bit i set: output i of the model is wanted. Set by validation from {@link requestedOutputs}. Models with more
   * than 30 outputs use -1, all.
   */
  outputMask = -1;
  /** Where the instance keeps what it remembers of the request's sequence; -1: the request belongs to none. */
  sequenceSlot = -1;
  /** Made by a scheduler to fill a row of a batch that nobody has a request for. Nobody hears of its outcome. */
  isFiller = false;
  /** The scheduler that holds this request, or `null`. */
  holder: RequestHolder | null = null;
  /** The instance that is told of cancellations and of written responses, or `null`. Set by it, while it executes. */
  producer: ResponseProducer | null = null;
  /** Whoever takes the request back for another run; `null`: nobody does. Set by the scheduler. */
  rescheduler: RequestRescheduler | null = null;
  /** How often it has been taken back. */
  rescheduleCount = 0;
  /** Responses and failures given so far. */
  responseCount = 0;
  /** Of a request with a {@link responseWindow}: those that have not left yet. */
  unwrittenResponseCount = 0;
  /** The first failure among the responses so far, or `null`. */
  #failure: Failure | null = null;
  observer: RequestObserver | null = null;
  /** Set by the model when the time until the first response is measured, else `null`. */
  firstResponseListener: FirstResponseListener | null = null;
  /** Set by the front end, or by whoever causes this request, when it was sampled; else `null`. */
  trace: RequestTrace | null = null;
  /** A cancellation arrived; the response is dropped when it comes. */
  isCancelled = false;

  /** When its execution is expected to end, monotonic µs; 0: nothing is expected. Set by a scheduler that looks ahead. */
  expectedEndUs = 0;
  /** Monotonic µs, 0 until reached. */
  requestStartUs = 0;
  queueStartUs = 0;
  computeStartUs = 0;
  computeInputEndUs = 0;
  computeOutputStartUs = 0;
  computeEndUs = 0;
  /** The end of the whole request when that is not {@link computeEndUs}, else 0. */
  requestEndUs = 0;
  /** Answered without an execution of its own: what the look-up in the response cache took. -1: executed. */
  cacheHitUs = -1;

  constructor(init: InferenceRequestInit) {
    this.id = init.id;
    this.inputs = init.inputs;
    this.requestedOutputs = init.requestedOutputs;
    this.parameters = init.parameters;
    this.priority = init.priority;
    this.timeoutUs = init.timeoutUs;
    this.correlationId = init.correlationId;
    this.isSequenceStart = init.isSequenceStart;
    this.isSequenceEnd = init.isSequenceEnd;
    this.sink = init.sink;
  }

  /** Answers with a response, the only or the last one. Called by the owner, once. */
  complete(response: InferenceResponse): void {
    this.#count();
    this.trace?.onResponse(response);
    this.#end(this.#failure);
    this.sink.onResponse(response, true);
  }

  /** Answers with a failure, after which nothing follows. Called by the owner, once. */
  fail(failure: Failure): void {
    this.#count();
    this.trace?.onFailure(failure);
    this.#end(failure);
    this.sink.onFailure(failure, true);
  }

  /** Gives one response of a decoupled model; others, or {@link end}, follow. */
  respond(response: InferenceResponse): void {
    this.#checkOpen();
    this.#countResponse();
    this.trace?.onResponse(response);
    this.sink.onResponse(response, false);
  }

  /** Gives a failure in the place of one response of a decoupled model; others, or {@link end}, follow. */
  respondFailure(failure: Failure): void {
    this.#checkOpen();
    this.#countResponse();
    this.#failure ??= failure;
    this.trace?.onFailure(failure);
    this.sink.onFailure(failure, false);
  }

  /** Ends a request of a decoupled model without another response. Called by the owner, once. */
  end(): void {
    this.#end(this.#failure);
    this.sink.onEnd();
  }

  /**
   * The model wants the request executed once more. Called by the instance, which no longer owns it. Fails the request
   * when its scheduler does not do such a thing.
   */
  reschedule(): void {
    this.#checkOpen();
    this.producer = null;
    if (this.rescheduler === null) this.fail(notReschedulable);
    else this.rescheduler.onRescheduled(this);
  }

  /** Its execution has ended, and its model keeps it open. Called by the instance. */
  hold(): void {
    this.rescheduler?.onHeld(this);
  }

  /** One of the responses has left. Called by the sink of a request with a {@link responseWindow}. */
  responseWritten(): void {
    if (this.unwrittenResponseCount > 0) this.unwrittenResponseCount--;
    this.producer?.onResponseWritten(this);
  }

  /**
   * The client went away or changed its mind. A queued request is dropped and failed with CANCELLED at once; an
   * executing one is told, runs to its end, and its outcome is reported to the sink, which must cope with a client that
   * is gone. Calling it again, or after the end, does nothing.
   */
  cancel(): void {
    if (this.isCancelled || this.state === requestState.done) return;
    this.isCancelled = true;
    if (this.state === requestState.queued) this.holder?.onCancelled(this);
    else this.producer?.onCancelled(this);
  }

  #end(cause: Failure | null): void {
    this.#checkOpen();
    const wasExecuting = this.state === requestState.executing;
    this.state = requestState.done;
    this.holder = null;
    this.producer = null;
    this.rescheduler = null;
    if (cause === null) this.observer?.onSuccess(this);
    else this.observer?.onFailed(this, cause, wasExecuting);
    this.trace?.onEnd(this);
  }

  #count(): void {
    this.responseCount++;
    if (this.responseCount === 1) this.firstResponseListener?.onFirstResponse(this);
  }

  #countResponse(): void {
    this.#count();
    if (this.responseWindow > 0) this.unwrittenResponseCount++;
  }

  #checkOpen(): void {
    if (this.state === requestState.done) throw new Error("Request answered twice. This is a bug.");
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
  readonly correlationId: CorrelationId;
  readonly isSequenceStart: boolean;
  readonly isSequenceEnd: boolean;
  readonly sink: ResponseSink;
}
