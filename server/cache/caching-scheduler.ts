import type { ResponseOrder } from "../../schedulers/dynamic-batch/response-order.ts";
import type { Scheduler } from "../../schedulers/scheduler.ts";
import { type InferenceRequest, requestState } from "../core/inference-request.ts";
import type { InferenceResponse } from "../core/inference-response.ts";
import { type Failure, failure, type Status } from "../core/status.ts";
import { Tensor } from "../core/tensor.ts";
import type { CachedResponse } from "./cached-response.ts";
import { requestDigest } from "./request-digest.ts";
import type { ResponseCache } from "./response-cache.ts";
import { type CacheMiss, type ExecutionListener, SharedExecution } from "./shared-execution.ts";

/** Hears what the cache does for one model. Its statistics implement it. */
export interface CachingObserver {
  /** `count` requests have left the queue. */
  onDispatch(count: number): void;
  /** A response was computed and offered to the cache. */
  onCacheMiss(lookupUs: number, insertUs: number): void;
}

/** What a {@link CachingScheduler} is made of. */
export interface CachingParts {
  readonly modelName: string;
  readonly modelVersion: string;
  /** All outputs of the model. */
  readonly outputNames: readonly string[];
  /** What requests go to that the cache does not answer. */
  readonly inner: Scheduler;
  readonly cache: ResponseCache;
  readonly observer: CachingObserver;
  /** Monotonic µs. */
  readonly nowUs: () => number;
  /** Makes responses leave in the order of their requests, hits too; `null`: they leave as they come. */
  readonly responseOrder: ResponseOrder | null;
  /** Told once why a response was not kept. For the log. */
  readonly onNotKept: (reason: string) => void;
}

interface Hit {
  readonly request: InferenceRequest;
  readonly response: CachedResponse;
}

const stopping = failure("UNAVAILABLE", "Model is being unloaded and takes no more requests");

let lastScope = 0;

/**
 * Answers requests from the cache, and gives the others to the model's own scheduler.
 *
 * @remarks
 * A hit does not see the queue. Of requests with the same content that are under way at once, one is executed and all
 * get its response. Each of them is a request of its own in every other way: with its own id, statistics and
 * cancellation. A failure of the execution is everybody's; one that concerns the wait of the request that was to be
 * executed (a cancellation, a timeout) is its alone, and the next one takes its place. Failures are not kept.
 *
 * Requests that belong to a sequence pass by.
 *
 * @see contract §6.9
 */
export class CachingScheduler implements Scheduler, ExecutionListener {
  readonly #parts: CachingParts;
  /** No two loads of a model have the same. */
  readonly #scope = ++lastScope;
  readonly #executions = new Map<string, SharedExecution>();
  /** Waiting for the end of the call that brought them. */
  #hits: Hit[] = [];
  #isStopped = false;
  #hasComplained = false;

  constructor(parts: CachingParts) {
    this.#parts = parts;
  }

  enqueue(request: InferenceRequest): Status {
    if (this.#isStopped) return stopping;
    const { correlationId } = request;
    if (correlationId !== 0 && correlationId !== "") return this.#parts.inner.enqueue(request);
    if (request.areInputsVolatile) keepInputs(request);

    const startUs = this.#parts.nowUs();
    const digest = requestDigest(request, this.#parts.outputNames);
    const cached = this.#parts.cache.lookup(this.#scope, digest);
    const lookupUs = this.#parts.nowUs() - startUs;
    if (cached !== null) {
      this.#parts.responseOrder?.add(request);
      this.#begin({ request, digest, lookupUs }, startUs);
      this.#answerSoon({ request, response: cached });
      return null;
    }
    return this.#miss({ request, digest, lookupUs }, this.#parts.responseOrder);
  }

  queuedCount(): number {
    let count = this.#parts.inner.queuedCount();
    for (const { followers } of this.#executions.values()) count += followers.length;
    return count;
  }

  stop(): void {
    if (this.#isStopped) return;
    this.#isStopped = true;
    this.#parts.cache.forget(this.#scope);
    this.#stopInnerWhenIdle();
  }

  onExecuted(execution: SharedExecution, response: InferenceResponse): void {
    this.#executions.delete(execution.key);
    const { modelName, modelVersion } = this.#parts;
    const kept = this.#keep(execution.leader, response);
    for (const follower of execution.followers) {
      const { request } = follower;
      this.#begin(follower, this.#parts.nowUs());
      request.requestEndUs = request.computeEndUs;
      request.complete(
        kept === null
          ? response.forRequest(request.id)
          : kept.toResponse(modelName, modelVersion, request.id),
      );
    }
    this.#stopInnerWhenIdle();
  }

  onExecutionFailed(execution: SharedExecution, cause: Failure): void {
    this.#executions.delete(execution.key);
    const isOfLeader = cause.code === "CANCELLED" || cause.code === "UNAVAILABLE";
    for (const follower of execution.followers) {
      const { request } = follower;
      if (isOfLeader) {
        // Its place in the order is the one that it had.
        const refusal = this.#miss(follower, null);
        if (refusal !== null) request.fail(refusal);
      } else {
        request.state = requestState.executing;
        this.#parts.observer.onDispatch(1);
        request.fail(cause);
      }
    }
    this.#stopInnerWhenIdle();
  }

  /** Joins an execution of the same content, or begins one. */
  #miss(miss: CacheMiss, order: ResponseOrder | null): Status {
    const { request, digest } = miss;
    // One that is more urgent than what is under way must not wait for it.
    const key = `${request.priority} ${request.timeoutUs} ${digest}`;
    const execution = this.#executions.get(key);
    if (execution !== undefined) {
      request.state = requestState.queued;
      request.holder = execution;
      order?.add(request);
      execution.followers.push(miss);
      return null;
    }
    const refusal = this.#parts.inner.enqueue(request);
    if (refusal !== null) return refusal;
    order?.add(request);
    this.#executions.set(key, new SharedExecution(key, miss, this));
    return null;
  }

  /** @returns `null`: the cache did not keep it. */
  #keep({ digest, lookupUs }: CacheMiss, response: InferenceResponse): CachedResponse | null {
    const { cache, observer, nowUs } = this.#parts;
    if (this.#isStopped) return null;
    const startUs = nowUs();
    const outcome = cache.insert(this.#scope, digest, response);
    if (outcome.kind !== "exists") observer.onCacheMiss(lookupUs, nowUs() - startUs);
    if (outcome.kind === "inserted") return outcome.response;
    if (outcome.kind === "refused" && !this.#hasComplained) {
      this.#hasComplained = true;
      this.#parts.onNotKept(outcome.reason);
    }
    return null;
  }

  /** The request is about to be answered without an execution of its own; it waited until `untilUs`. */
  #begin({ request, lookupUs }: CacheMiss, untilUs: number): void {
    request.state = requestState.executing;
    request.holder = null;
    request.cacheHitUs = lookupUs;
    request.computeStartUs = untilUs;
    request.computeInputEndUs = untilUs;
    request.computeOutputStartUs = untilUs;
    request.computeEndUs = untilUs;
    this.#parts.observer.onDispatch(1);
  }

  /** No answer may come before `enqueue` has returned. */
  #answerSoon(hit: Hit): void {
    this.#hits.push(hit);
    if (this.#hits.length === 1) queueMicrotask(this.#answerHits);
  }

  readonly #answerHits = (): void => {
    const hits = this.#hits;
    this.#hits = [];
    const { modelName, modelVersion, nowUs } = this.#parts;
    for (const { request, response } of hits) {
      request.requestEndUs = nowUs();
      request.complete(response.toResponse(modelName, modelVersion, request.id));
    }
  };

  /** Not before: one that has been accepted may still have to take a cancelled one's place. */
  #stopInnerWhenIdle(): void {
    if (this.#isStopped && this.#executions.size === 0) this.#parts.inner.stop();
  }
}

/** Makes the inputs the server's own, so that what was looked up is what is executed. */
function keepInputs(request: InferenceRequest): void {
  request.inputs = request.inputs.map(
    ({ name, datatype, shape, data }) => new Tensor(name, datatype, shape, data.slice()),
  );
}
