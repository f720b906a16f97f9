import { ArrivalSchedule } from "../../perf_analyzer/load-manager/arrival-schedule.ts";
import type { LoadRun } from "../../perf_analyzer/load-manager/load-level.ts";
import type { CollectedLoad, LoadManager } from "../../perf_analyzer/load-manager/load-manager.ts";
import type { RequestRecord } from "../../perf_analyzer/load-manager/request-records.ts";
import type { ManualProfilerClock } from "./manual-profiler-clock.ts";

/** A server that works on one request after the other, or on all at once. */
export interface SimulatedQueue {
  serviceUs(index: number): number;
  readonly isParallel?: boolean;
  /** The index of the request that fails, if any. */
  readonly failsAt?: number;
}

/** A load manager under virtual time that sends on a schedule, without a bound of outstanding requests. */
export class SimulatedRateLoad implements LoadManager {
  readonly runs: LoadRun[] = [];
  readonly #clock: ManualProfilerClock;
  readonly #queue: SimulatedQueue;
  #records: RequestRecord[] = [];
  #collectedCount = 0;

  constructor(clock: ManualProfilerClock, queue: SimulatedQueue) {
    this.#clock = clock;
    this.#queue = queue;
  }

  start(run: LoadRun): Promise<number> {
    const { level, requestCount } = run;
    if (level.kind !== "rate" || requestCount === null)
      throw new Error("Only a number of requests at a rate");
    this.runs.push(run);
    const startUs = this.#clock.nowUs();
    const schedule = new ArrivalSchedule(level.arrivals);
    let freeUs = startUs;
    this.#records = Array.from({ length: requestCount }, (_, index) => {
      const intendedUs = startUs + schedule.next();
      const beginUs = this.#queue.isParallel === true ? intendedUs : Math.max(freeUs, intendedUs);
      freeUs = beginUs + this.#queue.serviceUs(index);
      return {
        intendedUs,
        sendStartUs: intendedUs,
        sendEndUs: intendedUs,
        receiveStartUs: freeUs,
        firstResponseUs: freeUs,
        lastResponseUs: 0,
        responseCount: 1,
        endUs: freeUs,
        contentIndex: 0,
        sequenceId: 0,
      };
    }).sort((a, b) => a.endUs - b.endUs);
    this.#collectedCount = 0;
    return Promise.resolve(startUs);
  }

  collect(): Promise<CollectedLoad> {
    const nowUs = this.#clock.nowUs();
    const { failsAt = Number.POSITIVE_INFINITY } = this.#queue;
    const from = this.#collectedCount;
    while ((this.#records[this.#collectedCount]?.endUs ?? Number.POSITIVE_INFINITY) <= nowUs) {
      if (this.#collectedCount === failsAt) break;
      this.#collectedCount++;
    }
    const records = this.#records.slice(from, this.#collectedCount);
    const hasFailed = this.#collectedCount === failsAt;
    return Promise.resolve({
      records,
      responses: [],
      threadCount: 1,
      idleUs: 0,
      sentCount: records.length,
      lateCount: 0,
      lagUs: 0,
      failedCount: hasFailed ? 1 : 0,
      failure: hasFailed ? "HTTP 503: the queue is full" : null,
      isFinished: this.#collectedCount === this.#records.length,
    });
  }

  stop(): Promise<CollectedLoad> {
    return this.collect();
  }
}
