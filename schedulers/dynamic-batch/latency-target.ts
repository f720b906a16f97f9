import type { InferenceRequest } from "../../server/core/inference-request.ts";
import { type Failure, failure, type Status } from "../../server/core/status.ts";
import type { RequestQueue } from "../queue/request-queue.ts";
import type { InstancePool } from "../scheduler.ts";
import type { BatchCompatibility } from "./batch-compatibility.ts";
import type { BatchFormer } from "./batch-former.ts";
import { ExecutionTimeModel } from "./execution-time-model.ts";
import type { PaddingShare } from "./padding-share.ts";

/** Decides which requests are worth their wait. */
export interface Admission {
  /** @returns `null`, or why a new request is refused. */
  admit(request: InferenceRequest, queue: RequestQueue, nowUs: number): Status;
  /** @returns `null`, or why the next request of the queue is given up. */
  giveUp(next: InferenceRequest, nowUs: number): Status;
  /** When {@link giveUp} would give this request up, monotonic µs. */
  giveUpAtUs(next: InferenceRequest, nowUs: number): number;
  /** A batch of so many rows left for an instance. */
  onDispatch(rows: number, nowUs: number): void;
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
}

/** For the response on its way to the client's connection. */
const handOverUs = 200;
/** Part of the target that is kept free when a batch waits: timers and the event loop may be late. */
const reserve = 0.05;
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
 * @remarks How long executions take is learnt per batch size. While nothing is known (at first, and after a pause) batches
 * leave at once and nobody is turned away. Requests have to be served in the order of their arrival.
 */
export class LatencyTarget implements BatchFormer, Admission {
  readonly #rules: LatencyTargetRules;
  readonly #pool: InstancePool;
  readonly #times: ExecutionTimeModel;
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
    this.#fullRows = rules.maxBatchSize;
    this.#tooLate = failure(
      "UNAVAILABLE",
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
    const isLate = nowUs + this.#times.estimateUs(rows, nowUs) > deadlineUs;
    for (let request = queue.peek(count); request !== undefined; request = queue.peek(count)) {
      const joined = rows + sizeOf(request);
      if (joined > this.#fullRows || (isCompatible !== null && !isCompatible(first, request))) return count;
      // A larger batch would make the oldest request late.
      if (!isLate && nowUs + this.#times.estimateUs(joined, nowUs) > deadlineUs) return count;
      if (padding?.tryAdd(request) === false) return count;
      rows = joined;
      count++;
    }
    if (rows >= this.#fullRows) return count;
    const nextUs = this.#times.estimateUs(rows + 1, nowUs);
    const latestUs = deadlineUs - nextUs - reserve * this.#rules.latencyTargetUs;
    // Nothing is known: the only way to learn is to run.
    if (nextUs === 0 || nowUs >= latestUs) return count;
    this.wakeAtUs = latestUs;
    return 0;
  }

  admit(request: InferenceRequest, queue: RequestQueue, nowUs: number): Status {
    const fullUs = this.#times.estimateUs(this.#fullRows, nowUs);
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
    // Until an instance is free others come, and all have to be served in full batches to be served in time.
    const ownUs = this.#times.estimateUs(startUs > nowUs ? Math.max(size, this.#fullRows) : size, nowUs);
    return startUs + ownUs + handOverUs > this.#deadlineOf(request) ? this.#tooLate : null;
  }

  giveUp(next: InferenceRequest, nowUs: number): Status {
    return nowUs > this.giveUpAtUs(next, nowUs) ? this.#tooLate : null;
  }

  giveUpAtUs(next: InferenceRequest, nowUs: number): number {
    return this.#deadlineOf(next) - this.#times.estimateUs(sizeOf(next), nowUs);
  }

  onDispatch(rows: number, nowUs: number): void {
    const counted = Math.max(1, rows);
    const endUs = nowUs + this.#times.estimateUs(counted, nowUs);
    const batch: BatchUnderWay = { rows: counted, startUs: nowUs, endUs };
    const position = this.#expectedEnds.findIndex(({ endUs }) => endUs > batch.endUs);
    this.#expectedEnds.splice(position < 0 ? this.#expectedEnds.length : position, 0, batch);
    // What a dead instance held is never told of; each of the others runs one batch at a time.
    while (this.#expectedEnds.length > this.#pool.instanceCount) this.#expectedEnds.shift();
  }

  #largestUsefulRows(nowUs: number): number {
    const limitUs = (this.#rules.latencyTargetUs - handOverUs) / 2;
    let low = 1;
    let high = this.#rules.maxBatchSize;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.#times.estimateUs(middle, nowUs) <= limitUs) low = middle;
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
