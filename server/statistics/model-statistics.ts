import type { BatchTimes } from "../core/batch-times.ts";
import { monotonicNowUs } from "../core/clock.ts";
import type { InferenceRequest, RequestObserver } from "../core/inference-request.ts";
import type { ResponseOutcome, ResponseTimes } from "../core/response-times.ts";
import type { Failure } from "../core/status.ts";
import type { FirstResponseHistogram } from "./first-response-histogram.ts";
import type { LatencySummaries } from "./latency-summaries.ts";

/** Why a request that had been accepted failed: the values of the metric label `reason`. */
export const failureReasons = ["REJECTED", "CANCELED", "BACKEND", "OTHER"] as const;
export type FailureReason = (typeof failureReasons)[number];

/** Durations of the executions of one batch size. */
export class BatchStatistics {
  count = 0;
  computeInputUs = 0;
  computeInferUs = 0;
  computeOutputUs = 0;
}

/** Elements of padded inputs in the batches that were handed to instances. */
export class PaddingStatistics {
  /** All of them. */
  elementCount = 0;
  /** Those that no request sent. */
  paddingCount = 0;
}

/** What the response cache did for a model. Durations are µs with a fraction. */
export class CacheStatistics {
  /** Requests answered without an execution of their own. */
  hitCount = 0;
  /** Their look-ups. */
  hitUs = 0;
  /** Requests that were executed because the cache had no answer, and whose response was offered to it. */
  missCount = 0;
  /** Their look-ups and insertions. */
  missUs = 0;
}

/** How often something happened and how long that took altogether, µs with a fraction. */
export interface CountedDuration {
  count: number;
  us: number;
}

/** Answers beyond these are not told apart: a request may have millions, and a counter each would be a leak. */
const maxResponsePositions = 1_024;

/** What became of the answers at one position among those of their requests. Decoupled models only. */
export class ResponseStatistics {
  readonly computeInfer: CountedDuration = { count: 0, us: 0 };
  readonly computeOutput: CountedDuration = { count: 0, us: 0 };
  readonly byOutcome: Readonly<Record<ResponseOutcome, CountedDuration>> = {
    success: { count: 0, us: 0 },
    fail: { count: 0, us: 0 },
    empty_response: { count: 0, us: 0 },
    cancel: { count: 0, us: 0 },
  };
}

/**
 * Counters of one model version, from its load to its unload. Plain numbers, added to on the hot path; `/metrics`
 * and the statistics extension read them when asked.
 *
 * @remarks Durations are µs with a fraction. In a batch every request is charged the whole batch's compute times.
 * @see docs/metrics.md
 */
export class ModelStatistics implements RequestObserver {
  /** Requests answered with a response. */
  successCount = 0;
  /** Requests that failed after they had been accepted. */
  failureCount = 0;
  readonly failureCountByReason: Record<FailureReason, number> = {
    REJECTED: 0,
    CANCELED: 0,
    BACKEND: 0,
    OTHER: 0,
  };
  /** Batch elements of successful requests. */
  inferenceCount = 0;
  /** Executions: batches that ran and gave responses. */
  executionCount = 0;
  /** Requests accepted and not yet executing. */
  pendingCount = 0;
  /** Wall time of the last such execution in ms since 1970, 0 before the first. */
  lastInferenceMs = 0;
  requestUs = 0;
  queueUs = 0;
  computeInputUs = 0;
  computeInferUs = 0;
  computeOutputUs = 0;
  failureUs = 0;
  readonly batches = new Map<number, BatchStatistics>();
  /** `null`: the model's responses are not cached. */
  cache: CacheStatistics | null = null;

  /** What padding has cost; `null` for models whose config pads nothing. */
  padding: PaddingStatistics | null = null;

  /** `null`: nobody asked for them. */
  summaries: LatencySummaries | null = null;
  /** Told by the requests themselves. `null`: nobody asked for it. */
  firstResponse: FirstResponseHistogram | null = null;

  /** By position of the answer among its request's; filled for decoupled models. */
  readonly responses: ResponseStatistics[] = [];

  onSuccess(request: InferenceRequest): void {
    this.successCount++;
    const endUs = request.requestEndUs === 0 ? request.computeEndUs : request.requestEndUs;
    this.requestUs += endUs - request.requestStartUs;
    this.queueUs += request.computeStartUs - request.queueStartUs;
    if (request.cacheHitUs >= 0) {
      this.#onCacheHit(request.cacheHitUs);
      this.summaries?.onCacheHit(request, endUs);
      return;
    }
    this.inferenceCount += Math.max(1, request.batchSize);
    this.computeInputUs += request.computeInputEndUs - request.computeStartUs;
    this.computeInferUs += request.computeOutputStartUs - request.computeInputEndUs;
    this.computeOutputUs += request.computeEndUs - request.computeOutputStartUs;
    this.summaries?.onExecuted(request, endUs);
  }

  onFailed(request: InferenceRequest, failure: Failure, wasExecuting: boolean): void {
    this.failureCount++;
    if (!wasExecuting) this.pendingCount--;
    this.failureUs += monotonicNowUs() - request.requestStartUs;
    this.failureCountByReason[reasonOf(failure, wasExecuting)]++;
  }

  /** It left its instance for the queue again. Its durations are counted at its end, those of all runs. */
  onRequeued(): void {
    this.pendingCount++;
  }

  /** A response was computed and offered to the cache, which the request's duration is charged with too. */
  onCacheMiss(lookupUs: number, insertUs: number): void {
    this.cache ??= new CacheStatistics();
    this.cache.missCount++;
    this.cache.missUs += lookupUs + insertUs;
    // The look-up is part of the time since the request's start already.
    this.requestUs += insertUs;
    this.summaries?.onCacheMiss(lookupUs + insertUs);
  }

  #onCacheHit(lookupUs: number): void {
    this.cache ??= new CacheStatistics();
    this.cache.hitCount++;
    this.cache.hitUs += lookupUs;
  }

  /** `count` requests left the queue for an instance. */
  onDispatch(count: number): void {
    this.pendingCount -= count;
  }

  /** One execution of `rows` batch rows succeeded. One that failed is counted by its requests only. */
  onExecution(rows: number, times: BatchTimes): void {
    this.executionCount++;
    this.lastInferenceMs = Date.now();
    let batch = this.batches.get(rows);
    if (batch === undefined) {
      batch = new BatchStatistics();
      this.batches.set(rows, batch);
    }
    batch.count++;
    batch.computeInputUs += times.computeInputEndUs - times.computeStartUs;
    batch.computeInferUs += times.computeOutputStartUs - times.computeInputEndUs;
    batch.computeOutputUs += times.computeEndUs - times.computeOutputStartUs;
  }

  /** A request of a decoupled model got its answer number `index`, from 0. They come in order, none is left out. */
  onResponse(index: number, outcome: ResponseOutcome, times: ResponseTimes): void {
    if (index >= maxResponsePositions) return;
    const statistics = (this.responses[index] ??= new ResponseStatistics());
    add(statistics.byOutcome[outcome], times.endUs - times.startUs);
    // An end without outputs computes none, and a cancelled one's are dropped.
    if (outcome === "empty_response" || outcome === "cancel") return;
    add(statistics.computeInfer, times.outputStartUs - times.startUs);
    add(statistics.computeOutput, times.endUs - times.outputStartUs);
  }
}

function add(duration: CountedDuration, us: number): void {
  duration.count++;
  duration.us += us;
}

function reasonOf(failure: Failure, wasExecuting: boolean): FailureReason {
  if (failure.code === "CANCELLED") return "CANCELED";
  if (wasExecuting) return "BACKEND";
  return failure.isRejection === true ? "REJECTED" : "OTHER";
}
