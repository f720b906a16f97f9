import type { ProfilerClock } from "../clock.ts";
import type { LevelOutcome } from "../inference-profiler.ts";
import { ArrivalSchedule } from "../load-manager/arrival-schedule.ts";
import type { LoadLevel } from "../load-manager/load-level.ts";
import type { CollectedLoad, LoadManager } from "../load-manager/load-manager.ts";
import { type MeasuredRequest, type MeasurementWindow, summarizeWindows } from "../measurement-window.ts";
import { growthBetween, type StatisticsReading } from "../server-statistics.ts";
import {
  allowedOverLatencyCount,
  runQueryCount,
  scenarioArrivals,
  type ServerScenario,
} from "./server-scenario.ts";
import { judgeRun, type ServerRun } from "./server-verdict.ts";

/** What runs work with. */
export interface ServerRunParts {
  readonly load: LoadManager;
  readonly clock: ProfilerClock;
  /** Reads the server's counters; `null` when it has none. */
  readonly readStatistics: () => Promise<StatisticsReading | null>;
  readonly signal: AbortSignal;
  /** Told what goes on. */
  readonly onProgress: (queryCount: number, elapsedUs: number) => void;
}

/** How often it is looked for failures, and for whether the run can still be valid. */
const pollUs = 50_000;

/**
 * Makes one run at a rate. It ends before its time when it cannot become valid any more: under a rate that the server
 * cannot keep up with, its queue would grow until the memory is full.
 *
 * Rejects when the server cannot be reached at its beginning.
 */
export async function runServerScenario(
  scenario: ServerScenario,
  ratePerSecond: number,
  parts: ServerRunParts,
): Promise<ServerRun> {
  const { load, clock, signal, readStatistics } = parts;
  const arrivals = scenarioArrivals(scenario, ratePerSecond);
  const level: LoadLevel = { kind: "rate", arrivals, value: ratePerSecond };
  const wantedCount = runQueryCount(scenario, ratePerSecond);
  const before = await readStatistics();
  const startUs = await load.start({ level, requestCount: wantedCount, skipCount: 0 });
  const tally = new RunTally(scenario, new ArrivalSchedule(arrivals), wantedCount);
  let outcome: LevelOutcome | null = null;
  while (outcome === null) {
    await clock.sleepUntil(clock.nowUs() + pollUs, signal);
    const collected = await load.collect();
    tally.add(collected);
    parts.onProgress(tally.requests.length, clock.nowUs() - startUs);
    if (collected.failure !== null) outcome = { kind: "failed", message: collected.failure };
    else if (signal.aborted) outcome = { kind: "interrupted" };
    else if (collected.isFinished) outcome = { kind: "stable", warning: null };
    else if (tally.isHopeless(clock.nowUs() - startUs)) outcome = { kind: "above limit" };
  }
  tally.add(await load.stop());
  // A server that went away has no statistics: the failed queries tell why.
  const after = await readStatistics().catch(() => null);
  const window = tally.window(
    startUs,
    before === null || after === null ? null : growthBetween(before, after),
  );
  const latenciesUs = Float64Array.from(
    window.requests,
    ({ record }) => record.endUs - record.intendedUs,
  ).sort();
  const lastUs = window.requests.reduce((last, { record }) => Math.max(last, record.intendedUs), startUs);
  const verdict = judgeRun(scenario, {
    ratePerSecond,
    outcome,
    latenciesUs,
    wantedCount,
    durationUs: lastUs - startUs,
  });
  if (outcome.kind === "stable" && verdict.reasons.length > 0) outcome = { kind: "above limit" };
  const summary = summarizeWindows([window], { batchSize: 1, percentile: scenario.percentile });
  return { result: { level, outcome, windows: [window], summary }, verdict };
}

/** Adds up what is collected during a run. */
class RunTally {
  readonly requests: MeasuredRequest[] = [];
  readonly #boundUs: number;
  readonly #allowedCount: number;
  readonly #schedule: ArrivalSchedule;
  #totals = { threadCount: 0, idleUs: 0, sentCount: 0, lateCount: 0, lagUs: 0 };
  #overCount = 0;
  /** Of the schedule: how many queries should have been answered within the bound by now. */
  #dueCount = 0;
  #nextUs: number;

  constructor(scenario: ServerScenario, schedule: ArrivalSchedule, wantedCount: number) {
    this.#boundUs = scenario.latencyBoundUs;
    this.#allowedCount = allowedOverLatencyCount(scenario, wantedCount);
    this.#schedule = schedule;
    this.#nextUs = schedule.next();
  }

  add(collected: CollectedLoad): void {
    collected.records.forEach((record, i) => {
      if (record.endUs - record.intendedUs > this.#boundUs) this.#overCount++;
      this.requests.push({ record, responses: collected.responses[i] ?? null });
    });
    const { threadCount, idleUs, sentCount, lateCount, lagUs } = this.#totals;
    this.#totals = {
      threadCount: Math.max(threadCount, collected.threadCount),
      idleUs: idleUs + collected.idleUs,
      sentCount: sentCount + collected.sentCount,
      lateCount: lateCount + collected.lateCount,
      lagUs: lagUs + collected.lagUs,
    };
  }

  /** Whether more queries are over the bound than a valid run can have. @param elapsedUs - Since the start. */
  isHopeless(elapsedUs: number): boolean {
    while (this.#nextUs <= elapsedUs - this.#boundUs) {
      this.#dueCount++;
      this.#nextUs = this.#schedule.next();
    }
    // Answers of later queries are counted against it: there may be more unanswered ones, never less.
    const unansweredCount = Math.max(0, this.#dueCount - this.requests.length);
    return this.#overCount + unansweredCount > this.#allowedCount;
  }

  window(startUs: number, server: MeasurementWindow["server"]): MeasurementWindow {
    const endUs = this.requests.reduce((end, { record }) => Math.max(end, record.endUs), startUs);
    return { ...this.#totals, startUs, endUs, requests: this.requests, server, metrics: null };
  }
}
