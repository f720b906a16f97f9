import type { LoadLevel, LoadRun } from "./load-level.ts";
import type { ExportedResponse, LoadAnswer } from "./load-plan.ts";
import type { LoadThread } from "./load-thread.ts";
import { type RequestRecord, readRecords } from "./request-records.ts";
import { monotonicNowUs } from "../clock.ts";

/** What all threads did since the last time. */
export interface CollectedLoad {
  readonly records: readonly RequestRecord[];
  /** As many as records, when they are exported; else empty. */
  readonly responses: readonly (readonly ExportedResponse[])[];
  readonly threadCount: number;
  /** Of all threads together. */
  readonly idleUs: number;
  readonly sentCount: number;
  readonly lateCount: number;
  readonly lagUs: number;
  readonly failedCount: number;
  readonly failure: string | null;
  readonly isFinished: boolean;
}

/** Makes load. What the profiler sees of it; scripted in tests. */
export interface LoadManager {
  /** Begins a level. None may be running. Rejects when the server cannot be reached. @returns When it began. */
  start(run: LoadRun): Promise<number>;
  /** What happened since the last time; the load goes on. */
  collect(): Promise<CollectedLoad>;
  /** Ends the level: sends no more and waits for what is outstanding. */
  stop(): Promise<CollectedLoad>;
}

/** How threads are used. */
export interface ThreadLimits {
  /** Never more threads. */
  readonly threadCount: number;
  /** All threads together, under a request rate; `null` for no bound. */
  readonly maxOutstanding: number | null;
  /** Whether a slot waits for its response under a request rate. */
  readonly isSerial: boolean;
}

/** Time for the threads to get the command before the first request is due. */
const startLeadUs = 10_000;

/** Spreads a level over threads. */
export class ThreadedLoadManager implements LoadManager {
  readonly #startThread: () => LoadThread;
  readonly #limits: ThreadLimits;
  readonly #threads: LoadThread[] = [];
  #activeCount = 0;

  /** @param startThread - Starts one more thread, which is closed with this. */
  constructor(startThread: () => LoadThread, limits: ThreadLimits) {
    this.#startThread = startThread;
    this.#limits = limits;
  }

  async start(run: LoadRun): Promise<number> {
    const { level, requestCount } = run;
    const slotCount = this.#slotCount(level);
    const count = Math.min(
      this.#limits.threadCount,
      slotCount ?? Number.POSITIVE_INFINITY,
      requestCount ?? Infinity,
    );
    while (this.#threads.length < count) this.#threads.push(this.#startThread());
    this.#activeCount = count;
    await Promise.all(
      this.#active().map((thread, index) =>
        thread.ask({
          kind: "prepare",
          run: { ...run, requestCount: requestCount === null ? null : shareOf(requestCount, index, count) },
          share: { index, count },
          maxOutstanding: slotCount === null ? null : shareOf(slotCount, index, count),
          isSerial: this.#limits.isSerial,
        }),
      ),
    );
    const startUs = monotonicNowUs() + (level.kind === "rate" ? startLeadUs : 0);
    await Promise.all(this.#active().map((thread) => thread.ask({ kind: "start", startUs })));
    return startUs;
  }

  collect(): Promise<CollectedLoad> {
    return this.#ask("collect");
  }

  stop(): Promise<CollectedLoad> {
    return this.#ask("stop");
  }

  /** Ends the threads. */
  async close(): Promise<void> {
    await Promise.all(this.#threads.splice(0).map((thread) => thread.close()));
  }

  #slotCount(level: LoadLevel): number | null {
    switch (level.kind) {
      case "concurrency":
        return level.concurrency;
      case "rate":
        return this.#limits.maxOutstanding;
      case "periodic":
        // One thread has to see the responses of all.
        return 1;
    }
  }

  #active(): readonly LoadThread[] {
    return this.#threads.slice(0, this.#activeCount);
  }

  async #ask(kind: "collect" | "stop"): Promise<CollectedLoad> {
    const answers = await Promise.all(this.#active().map((thread) => thread.ask({ kind })));
    return joinAnswers(answers.filter((answer) => answer !== null));
  }
}

/** The part of `total` that falls on one of `count`: parts differ by at most one. */
function shareOf(total: number, index: number, count: number): number {
  return Math.floor(total / count) + (index < total % count ? 1 : 0);
}

function joinAnswers(answers: readonly LoadAnswer[]): CollectedLoad {
  const sum = (key: "idleUs" | "sentCount" | "lateCount" | "lagUs" | "failedCount"): number =>
    answers.reduce((total, answer) => total + answer[key], 0);
  return {
    records: answers.flatMap(({ rows }) => readRecords(rows)),
    responses: answers.flatMap(({ responses }) => responses),
    threadCount: answers.length,
    idleUs: sum("idleUs"),
    sentCount: sum("sentCount"),
    lateCount: sum("lateCount"),
    lagUs: sum("lagUs"),
    failedCount: sum("failedCount"),
    failure: answers.find(({ failure }) => failure !== null)?.failure ?? null,
    isFinished: answers.every(({ isFinished }) => isFinished),
  };
}
