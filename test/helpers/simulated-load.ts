import type { LoadRun } from "../../perf_analyzer/load-manager/load-level.ts";
import type { CollectedLoad, LoadManager } from "../../perf_analyzer/load-manager/load-manager.ts";
import type { RequestRecord } from "../../perf_analyzer/load-manager/request-records.ts";
import type { ManualProfilerClock } from "./manual-profiler-clock.ts";

/** What a simulated server does. */
export interface SimulatedServer {
  /** The n-th request of the run takes so long. */
  serviceUs(index: number, concurrency: number): number;
  /** Responses of each request; 1 when absent. */
  readonly responseCount?: number;
  /** When the first response comes, after the request; with the last one when absent. */
  readonly firstResponseUs?: number;
  /** How long the threads take to begin; 0 when absent. */
  readonly startDelayUs?: number;
  /** The index of the request that fails, if any. */
  readonly failsAt?: number;
}

/** A load manager under virtual time: keeps requests outstanding against a server with known delays. */
export class SimulatedLoad implements LoadManager {
  /** Everything that ever ended: the truth. */
  readonly ended: RequestRecord[] = [];
  readonly runs: LoadRun[] = [];
  readonly #clock: ManualProfilerClock;
  readonly #server: SimulatedServer;
  #slots: { sentUs: number; endUs: number }[] = [];
  #sentCount = 0;
  #collectedCount = 0;
  #collectedSent = 0;
  #limit = Number.POSITIVE_INFINITY;
  #concurrency = 1;
  #lastUs = 0;
  #failure: string | null = null;

  constructor(clock: ManualProfilerClock, server: SimulatedServer) {
    this.#clock = clock;
    this.#server = server;
  }

  start(run: LoadRun): Promise<number> {
    this.runs.push(run);
    this.#concurrency = run.level.kind === "concurrency" ? run.level.concurrency : 1;
    this.#limit = run.requestCount ?? Number.POSITIVE_INFINITY;
    this.ended.length = 0;
    this.#sentCount = 0;
    this.#collectedCount = 0;
    this.#collectedSent = 0;
    this.#failure = null;
    const nowUs = this.#clock.nowUs();
    this.#lastUs = nowUs;
    this.#slots = [];
    const firstUs = nowUs + (this.#server.startDelayUs ?? 0);
    for (let i = 0; i < this.#concurrency; i++) this.#send(firstUs);
    return Promise.resolve(nowUs);
  }

  collect(): Promise<CollectedLoad> {
    const nowUs = this.#clock.nowUs();
    for (;;) {
      const due = this.#slots.filter(({ endUs }) => endUs <= nowUs).sort((a, b) => a.endUs - b.endUs)[0];
      if (due === undefined || this.#failure !== null) break;
      this.#slots = this.#slots.filter((slot) => slot !== due);
      if (this.ended.length === this.#server.failsAt) {
        this.#failure = "HTTP 500: it broke";
        break;
      }
      const { sentUs, endUs } = due;
      const firstUs = sentUs + (this.#server.firstResponseUs ?? endUs - sentUs);
      this.ended.push({
        intendedUs: sentUs,
        sendStartUs: sentUs,
        sendEndUs: sentUs + 10,
        receiveStartUs: endUs - 20,
        firstResponseUs: firstUs,
        lastResponseUs: 0,
        endUs,
        responseCount: this.#server.responseCount ?? 1,
        contentIndex: 0,
        sequenceId: 0,
      });
      this.#send(endUs);
    }
    const records = this.ended.slice(this.#collectedCount);
    this.#collectedCount = this.ended.length;
    const sentCount = this.#sentCount - this.#collectedSent;
    this.#collectedSent = this.#sentCount;
    const idleUs = nowUs - this.#lastUs;
    this.#lastUs = nowUs;
    return Promise.resolve({
      records,
      responses: [],
      threadCount: 1,
      idleUs,
      sentCount,
      lateCount: 0,
      lagUs: 0,
      failedCount: this.#failure === null ? 0 : 1,
      failure: this.#failure,
      isFinished: this.ended.length >= this.#limit,
    });
  }

  stop(): Promise<CollectedLoad> {
    return this.collect();
  }

  #send(nowUs: number): void {
    if (this.#sentCount >= this.#limit) return;
    const serviceUs = this.#server.serviceUs(this.#sentCount++, this.#concurrency);
    this.#slots.push({ sentUs: nowUs, endUs: nowUs + serviceUs });
  }
}
