import type { InferenceRequest } from "../../server/core/inference-request.ts";
import { type Failure, rejection, type Status } from "../../server/core/status.ts";
import type { RequestQueue } from "../queue/request-queue.ts";
import type { InstancePool } from "../scheduler.ts";
import type { BatchCompatibility } from "./batch-compatibility.ts";
import type { BatchFormer } from "./batch-former.ts";
import { ExecutionTimeModel } from "./execution-time-model.ts";
import type { PaddingShare } from "./padding-share.ts";
import { PredictionMargin } from "./prediction-margin.ts";

/** Decides which requests are worth their wait. */
export interface Admission {
  /** @returns `null`, or why a new request is refused. */
  admit(request: InferenceRequest, queue: RequestQueue, nowUs: number): Status;
  /** @returns `null`, or why the next request of the queue is given up. */
  giveUp(queue: RequestQueue, nowUs: number): Status;
  /** When {@link giveUp} would give the next request of the queue up, monotonic µs; `Infinity`: the queue is empty. */
  giveUpAtUs(queue: RequestQueue, nowUs: number): number;
  /** A batch left for an instance. */
  onDispatch(batch: readonly InferenceRequest[], nowUs: number): void;
}

/** What a {@link LatencyTarget} goes by. */
export interface LatencyTargetRules {
  /** From a request's arrival to its response, in µs. */
  readonly latencyTargetUs: number;
  /** At least 1. */
  readonly maxBatchSize: number;
  readonly isCompatible: BatchCompatibility | null;
  /** Limits how much of a batch is padding; `null`: nothing is padded. A request that would bring too much ends the batch. */
  readonly padding: PaddingShare | null;
}

interface BatchUnderWay {
  readonly rows: number;
  readonly startUs: number;
  /** Expected. */
  readonly endUs: number;
  /** When its oldest request was let in, its end was expected then; 0: nothing was known. */
  readonly promisedUs: number;
}

/** For the response on its way to the client's connection. */
const handOverUs = 200;
/** Part of the target that is kept free when a batch waits: timers and the event loop may be late. */
const reserve = 0.05;
/** Part of the target that is kept free when a request has to wait for others: its way through the sockets is not seen here. */
const unseen = 0.02;
/** Part of the target beyond which no experience with predictions makes admission more careful. */
const marginLimit = 0.5;
/** What was learnt holds for so many targets without a new execution. */
const forgetAfterTargets = 10;

/**
 * Forms the largest batches that still let every request be answered within a target, and turns away at once those that
 * could not be.
 *
 * ```
 *   arrival                    latest start         deadline = arrival + target
 *      |──── waits for company ────|── expected execution ──|
 * ```
 *
 * @remarks How long executions take is learnt per batch size, and how far predictions of the end of a wait were off. While
 * nothing is known (at first, and after a pause) batches leave at once and nobody is turned away. Requests have to be served in
 * the order of their arrival.
 *
 * Under overload every batch is full, whatever its oldest request would need: a smaller one would save that, and cost the model
 * the throughput that all behind it count on. So one late request would make the next ones late, and batches small for good.
 */
export class LatencyTarget implements BatchFormer, Admission {
  readonly #rules: LatencyTargetRules;
  readonly #pool: InstancePool;
  readonly #times: ExecutionTimeModel;
  readonly #margin: PredictionMargin;
  readonly #tooLate: Failure;
  /** When the batches under way are expected to end, ascending. */
  readonly #expectedEnds: BatchUnderWay[] = [];
  /**
   * Rows of the largest batch that is formed: twice its execution fits the target, so that who arrives while one such
   * batch runs can still be in the next one.
   */
  #fullRows: number;
  wakeAtUs = Number.POSITIVE_INFINITY;

  constructor(rules: LatencyTargetRules, pool: InstancePool, nowUs: () => number) {
    this.#rules = rules;
    this.#pool = pool;
    this.#times = new ExecutionTimeModel(forgetAfterTargets * rules.latencyTargetUs);
    this.#margin = new PredictionMargin(marginLimit * rules.latencyTargetUs);
    this.#fullRows = rules.maxBatchSize;
    this.#tooLate = rejection(
      `Request cannot be answered within the latency target of ${rules.latencyTargetUs} µs: too much is waiting already`,
    );
    pool.onExecuted((rows, executionUs) => {
      const counted = Math.max(1, rows);
      const endedUs = nowUs();
      const position = this.#expectedEnds.findIndex((batch) => batch.rows === counted);
      const [ended] = position < 0 ? [] : this.#expectedEnds.splice(position, 1);
      // On a busy machine the way to the instance and back takes its time, too.
      const takenUs = Math.max(executionUs, endedUs - (ended?.startUs ?? endedUs));
      this.#times.learn(counted, takenUs, endedUs);
      if (ended !== undefined && ended.promisedUs > 0) this.#margin.learn(endedUs - ended.promisedUs);
      this.#fullRows = this.#largestUsefulRows(endedUs);
    });
  }

  takePicked(): null {
    return null;
  }

  form(queue: RequestQueue, nowUs: number): number {
    this.wakeAtUs = Number.POSITIVE_INFINITY;
    const first = queue.peek();
    if (first === undefined) return 0;
    const { isCompatible, padding } = this.#rules;
    padding?.begin(first);
    const deadlineUs = this.#deadlineOf(first) - handOverUs;
    let rows = sizeOf(first);
    let count = 1;
    // Nothing is lost any more by a batch that takes longer.
    const isLate = nowUs + this.#times.meanUs(rows, nowUs) > deadlineUs;
    const isLimited = !isLate && this.#waitingRows(queue, first) < this.#fullRows;
    for (let request = queue.peek(count); request !== undefined; request = queue.peek(count)) {
      const joined = rows + sizeOf(request);
      if (joined > this.#fullRows || (isCompatible !== null && !isCompatible(first, request))) return count;
      // A larger batch would make the oldest request late.
      if (isLimited && nowUs + this.#times.boundUs(joined, nowUs) > deadlineUs) return count;
      if (padding?.tryAdd(request) === false) return count;
      rows = joined;
      count++;
    }
    if (rows >= this.#fullRows) return count;
    const nextUs = this.#times.boundUs(rows + 1, nowUs);
    const latestUs = deadlineUs - nextUs - reserve * this.#rules.latencyTargetUs;
    // Nothing is known: the only way to learn is to run.
    if (nextUs === 0 || nowUs >= latestUs) return count;
    this.wakeAtUs = latestUs;
    return 0;
  }

  admit(request: InferenceRequest, queue: RequestQueue, nowUs: number): Status {
    const fullUs = this.#times.meanUs(this.#fullRows, nowUs);
    request.expectedEndUs = 0;
    if (fullUs === 0) return null;
    // More than all instances get through within the target: a refusal must not cost more the longer the queue is.
    const batchLimit = this.#pool.instanceCount * Math.ceil(this.#rules.latencyTargetUs / fullUs);
    let rowsAhead = 0;
    for (let at = 0, one = queue.peek(); one !== undefined; one = queue.peek(++at)) {
      rowsAhead += sizeOf(one);
      if (rowsAhead > batchLimit * this.#fullRows) return this.#tooLate;
    }
    const size = sizeOf(request);
    const batchesAhead = Math.floor((rowsAhead + size - 1) / this.#fullRows);
    const startUs = this.#nextStartUs(batchesAhead, fullUs, nowUs);
    const latestUs = this.#deadlineOf(request) - handOverUs;
    if (startUs <= nowUs) return nowUs + this.#times.boundUs(size, nowUs) > latestUs ? this.#tooLate : null;
    // Until an instance is free others come, and all have to be served in full batches to be served in time.
    const endUs = startUs + this.#times.meanUs(Math.max(size, this.#fullRows), nowUs);
    if (endUs + this.#margin.us + unseen * this.#rules.latencyTargetUs > latestUs) return this.#tooLate;
    request.expectedEndUs = endUs;
    return null;
  }

  giveUp(queue: RequestQueue, nowUs: number): Status {
    return nowUs > this.giveUpAtUs(queue, nowUs) ? this.#tooLate : null;
  }

  giveUpAtUs(queue: RequestQueue, nowUs: number): number {
    const next = queue.peek();
    if (next === undefined) return Number.POSITIVE_INFINITY;
    const isBacklog = this.#waitingRows(queue, next) >= this.#fullRows;
    const rows = isBacklog ? Math.max(sizeOf(next), this.#fullRows) : sizeOf(next);
    return this.#deadlineOf(next) - this.#times.meanUs(rows, nowUs);
  }

  onDispatch(requests: readonly InferenceRequest[], nowUs: number): void {
    let rows = 0;
    for (const request of requests) rows += request.batchSize;
    rows = Math.max(1, rows);
    const endUs = nowUs + this.#times.meanUs(rows, nowUs);
    const batch: BatchUnderWay = { rows, startUs: nowUs, endUs, promisedUs: requests[0]?.expectedEndUs ?? 0 };
    const position = this.#expectedEnds.findIndex(({ endUs }) => endUs > batch.endUs);
    this.#expectedEnds.splice(position < 0 ? this.#expectedEnds.length : position, 0, batch);
    // What a dead instance held is never told of; each of the others runs one batch at a time.
    while (this.#expectedEnds.length > this.#pool.instanceCount) this.#expectedEnds.shift();
  }

  /** Rows that could leave with this request, which is the queue's first: up to a full batch. */
  #waitingRows(queue: RequestQueue, first: InferenceRequest): number {
    const { isCompatible } = this.#rules;
    let rows = sizeOf(first);
    for (let at = 1; rows < this.#fullRows; at++) {
      const request = queue.peek(at);
      if (request === undefined || (isCompatible !== null && !isCompatible(first, request))) return rows;
      rows += sizeOf(request);
    }
    return rows;
  }

  #largestUsefulRows(nowUs: number): number {
    const limitUs = (this.#rules.latencyTargetUs - handOverUs) / 2;
    let low = 1;
    let high = this.#rules.maxBatchSize;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.#times.meanUs(middle, nowUs) <= limitUs) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  #deadlineOf(request: InferenceRequest): number {
    return request.queueStartUs + this.#rules.latencyTargetUs;
  }

  /** When an instance is expected to be free for one batch more, after so many full ones. */
  #nextStartUs(batchesAhead: number, fullUs: number, nowUs: number): number {
    const freeUs = this.#expectedEnds.map(({ endUs }) => Math.max(nowUs, endUs));
    while (freeUs.length < this.#pool.instanceCount) freeUs.unshift(nowUs);
    for (let batch = 0; batch < batchesAhead; batch++) {
      freeUs.push((freeUs.shift() ?? nowUs) + fullUs);
      freeUs.sort((a, b) => a - b);
    }
    return freeUs[0] ?? nowUs;
  }
}

function sizeOf(request: InferenceRequest): number {
  return Math.max(1, request.batchSize);
}
