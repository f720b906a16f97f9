import { type InferenceRequest, type RequestHolder, type ResponseSink } from "../core/inference-request.ts";
import type { InferenceResponse } from "../core/inference-response.ts";
import { type Failure, failure } from "../core/status.ts";

/** A request that has been looked up in the cache and was not there. */
export interface CacheMiss {
  readonly request: InferenceRequest;
  readonly digest: string;
  /** What the look-up took. */
  readonly lookupUs: number;
}

/** Hears how a shared execution ends. The caching scheduler implements it. */
export interface ExecutionListener {
  /** The one that executes has its response, which none of them has been given yet. */
  onExecuted(execution: SharedExecution, response: InferenceResponse): void;
  /** The one that executes has failed, and has been told. */
  onExecutionFailed(execution: SharedExecution, cause: Failure): void;
}

const cancelled = failure(
  "CANCELLED",
  "Request cancelled while another one with the same content was executed",
);

/**
 * Requests with the same content that are under way at once: the first one is executed, the others wait for its
 * response.
 *
 * It stands before the first one's sink, and holds the others, each of which can be cancelled by itself.
 */
export class SharedExecution implements ResponseSink, RequestHolder {
  /** Among the executions that can be joined. */
  readonly key: string;
  /** The one that is executed. */
  readonly leader: CacheMiss;
  /** Those that wait, in the order of their arrival. */
  readonly followers: CacheMiss[] = [];
  readonly #sink: ResponseSink;
  readonly #listener: ExecutionListener;

  /** Takes the place of the leader's sink. Call when the leader has been accepted by its scheduler. */
  constructor(key: string, leader: CacheMiss, listener: ExecutionListener) {
    this.key = key;
    this.leader = leader;
    this.#sink = leader.request.sink;
    this.#listener = listener;
    leader.request.sink = this;
  }

  onResponse(response: InferenceResponse, isFinal: boolean): void {
    // The leader comes last: with its answer the memory of its inputs goes, on which outputs may be views.
    this.#listener.onExecuted(this, response);
    this.#sink.onResponse(response, isFinal);
  }

  onFailure(cause: Failure, isFinal: boolean): void {
    this.#sink.onFailure(cause, isFinal);
    this.#listener.onExecutionFailed(this, cause);
  }

  /** Only decoupled models end without a response, and those are not cached. */
  onEnd(): void {
    throw new Error("A model whose responses are cached has ended without one. This is a bug.");
  }

  /** One of those that wait is given up by its client. */
  onCancelled(request: InferenceRequest): void {
    const position = this.followers.findIndex((follower) => follower.request === request);
    if (position < 0) throw new Error("A cancelled request was not among those that wait. This is a bug.");
    this.followers.splice(position, 1);
    request.fail(cancelled);
  }
}
