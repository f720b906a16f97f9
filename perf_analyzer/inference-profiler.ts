import type { ProfilerClock } from "./clock.ts";
import type { LoadLevel } from "./load-manager/load-level.ts";
import type { CollectedLoad, LoadManager } from "./load-manager/load-manager.ts";
import {
  decisiveLatencyUs,
  type MeasuredRequest,
  type MeasurementWindow,
  summarizeWindows,
  type WindowSummary,
} from "./measurement-window.ts";
import type { AnalyzerOptions } from "./options/analyzer-options.ts";
import type { CollectedMetrics } from "./server-metrics/metrics-collector.ts";
import { growthBetween, type StatisticsReading } from "./server-statistics.ts";
import { assessStability, stableWindowCount } from "./stability.ts";

/** How the measurement of a level ended. */
export type LevelOutcome =
  /** It is stable, or complete. */
  | { readonly kind: "stable"; readonly warning: string | null }
  /** It did not settle. */
  | { readonly kind: "unstable" }
  /** The latency limit is passed: there was no need to wait until it is stable. */
  | { readonly kind: "above limit" }
  /** The user ended it. */
  | { readonly kind: "interrupted" }
  /** A request failed, or the server went away. */
  | { readonly kind: "failed"; readonly message: string };

/** What was measured at a level. */
export interface LevelResult {
  readonly level: LoadLevel;
  readonly outcome: LevelOutcome;
  /** All windows, in order. */
  readonly windows: readonly MeasurementWindow[];
  /** Of the last three windows. */
  readonly summary: WindowSummary;
}

/** The part of the options that the profiler follows. */
export type ProfilerOptions = Pick<
  AnalyzerOptions,
  | "measurementMode"
  | "measurementIntervalMs"
  | "measurementRequestCount"
  | "stabilityPercentage"
  | "percentile"
  | "maxTrials"
  | "warmupRequestCount"
  | "requestCount"
  | "latencyThresholdMs"
  | "batchSize"
> & { readonly isAsync: boolean };

/** What the profiler works with. */
export interface ProfilerParts {
  readonly load: LoadManager;
  readonly clock: ProfilerClock;
  /** Reads the server's counters; `null` when it has none. */
  readonly readStatistics: () => Promise<StatisticsReading | null>;
  /** What was read of the server's metrics since the last call; `null` when nobody wants them. */
  readonly takeMetrics: () => CollectedMetrics | null;
  /** Aborted when the user wants the end. */
  readonly signal: AbortSignal;
  /** Told about every window, and what goes on in between. */
  readonly observer: ProfilerObserver;
}

/** Sees the measurement while it goes on. */
export interface ProfilerObserver {
  onWindow(trial: number, summary: WindowSummary): void;
  onProgress(trial: number, requestCount: number, elapsedUs: number): void;
}

/** More than the interval is measured, so that an interval's worth is complete. @see contract §9.2, 2 */
const intervalFactor = 1.2;
/** How often a count window looks whether it is complete. @see contract §9.2, 2 */
const countPollUs = 1_000_000;
/** How often a failure is looked for, and the progress line written. */
const pollUs = 250_000;

/** Measures load levels, window after window, until they are stable. */
export class InferenceProfiler {
  readonly #options: ProfilerOptions;
  readonly #parts: ProfilerParts;
  /** Ended after the window that they were collected in. */
  #carried: MeasuredRequest[] = [];
  #failure: string | null = null;
  #isFinished = false;

  constructor(options: ProfilerOptions, parts: ProfilerParts) {
    this.#options = options;
    this.#parts = parts;
  }

  /** Measures one level. Rejects when the server cannot be reached at its beginning. */
  async profile(level: LoadLevel): Promise<LevelResult> {
    const { load } = this.#parts;
    const { warmupRequestCount, requestCount } = this.#options;
    if (warmupRequestCount > 0) {
      this.#reset();
      await this.#parts.load.start({ level, requestCount: warmupRequestCount, skipCount: 0 });
      await this.#untilFinished(1, 0);
      await load.stop();
    }
    const windows: MeasurementWindow[] = [];
    let outcome: LevelOutcome;
    if (this.#failure === null) {
      this.#reset();
      // Before the first request, or its count would be missing.
      const before = await this.#readStatistics();
      // What was read before belongs to no window.
      this.#parts.takeMetrics();
      // Set times are sent once: what warmed up is not sent again.
      const isScheduled = level.kind === "rate" && level.arrivals.kind === "times";
      const startUs = await load.start({
        level,
        requestCount: requestCount > 0 ? requestCount : null,
        skipCount: isScheduled ? warmupRequestCount : 0,
      });
      outcome = await (requestCount > 0
        ? this.#measureCount(startUs, before, windows)
        : this.#measure(startUs, before, windows));
      await load.stop();
    } else {
      outcome = { kind: "failed", message: this.#failure };
    }
    const merged = windows.slice(-stableWindowCount);
    return { level, outcome, windows, summary: summarizeWindows(merged, this.#options) };
  }

  #reset(): void {
    this.#carried = [];
    this.#failure = null;
    this.#isFinished = false;
  }

  /** How the level ended by now, if it did. */
  #ended(): LevelOutcome | null {
    if (this.#failure !== null) return { kind: "failed", message: this.#failure };
    return this.#parts.signal.aborted ? { kind: "interrupted" } : null;
  }

  /** Windows until they are stable. Adds them to `windows`. */
  async #measure(
    startUs: number,
    first: StatisticsReading | null,
    windows: MeasurementWindow[],
  ): Promise<LevelOutcome> {
    const { maxTrials, percentile, stabilityPercentage, latencyThresholdMs, isAsync } = this.#options;
    const rule = {
      stabilityPercentage,
      latencyLimitUs: latencyThresholdMs > 0 ? latencyThresholdMs * 1e3 : null,
    };
    let before = first;
    let isThroughputStable = false;
    const levels: { throughput: number; latencyUs: number }[] = [];
    for (let trial = 1; trial <= maxTrials; trial++) {
      const window = await this.#window(trial, windows.at(-1)?.endUs ?? startUs, (after) => {
        const growth = before === null || after === null ? null : growthBetween(before, after);
        before = after;
        return growth;
      });
      windows.push(window);
      const summary = summarizeWindows([window], this.#options);
      this.#parts.observer.onWindow(trial, summary);
      const ended = this.#ended();
      if (ended !== null) return ended;
      levels.push({ throughput: summary.throughput, latencyUs: decisiveLatencyUs(summary, percentile) });
      const stability = assessStability(levels, rule);
      if (stability.isThroughputStable && stability.isLatencyStable) return { kind: "stable", warning: null };
      if (stability.isAboveLimit) return { kind: "above limit" };
      isThroughputStable = stability.isThroughputStable;
    }
    return isAsync && isThroughputStable
      ? { kind: "stable", warning: "Only the throughput is stable; the latency still changes" }
      : { kind: "unstable" };
  }

  /** One window of exactly as many requests as asked for. */
  async #measureCount(
    startUs: number,
    before: StatisticsReading | null,
    windows: MeasurementWindow[],
  ): Promise<LevelOutcome> {
    const collected = await this.#untilFinished(1, startUs);
    const after = await this.#readStatistics();
    const endUs = collected.requests.reduce((end, { record }) => Math.max(end, record.endUs), startUs);
    // Threads may begin late, or before the start is confirmed: what is measured begins with the first request.
    const firstUs = collected.requests.reduce(
      (first, { record }) => Math.min(first, record.intendedUs),
      collected.requests.length === 0 ? startUs : Number.POSITIVE_INFINITY,
    );
    const server = before === null || after === null ? null : growthBetween(before, after);
    const metrics = this.#parts.takeMetrics();
    windows.push({ ...collected, startUs: firstUs, endUs, server, metrics });
    this.#parts.observer.onWindow(1, summarizeWindows(windows, this.#options));
    return this.#ended() ?? { kind: "stable", warning: null };
  }

  async #window(
    trial: number,
    startUs: number,
    growthUntil: (reading: StatisticsReading | null) => MeasurementWindow["server"],
  ): Promise<MeasurementWindow> {
    const { clock } = this.#parts;
    const { measurementMode, measurementIntervalMs, measurementRequestCount } = this.#options;
    const isTime = measurementMode === "time_windows";
    const deadlineUs = startUs + measurementIntervalMs * 1e3 * intervalFactor;
    let checkUs = startUs + countPollUs;
    const tally = new Tally(this.#carried);
    this.#carried = [];
    let endUs: number;
    do {
      const wakeUs = Math.min(clock.nowUs() + pollUs, isTime ? deadlineUs : checkUs);
      await clock.sleepUntil(wakeUs, this.#parts.signal);
      endUs = clock.nowUs();
      this.#note(await this.#parts.load.collect(), tally);
      this.#parts.observer.onProgress(trial, tally.requests.length, endUs - startUs);
      if (this.#ended() !== null) break;
      if (!isTime && endUs >= checkUs) {
        if (tally.countEnded(endUs) >= measurementRequestCount) break;
        checkUs = endUs + countPollUs;
      }
    } while (!isTime || endUs < deadlineUs);
    const { requests, ...totals } = tally.take();
    // What ended while the answers were collected belongs to the next window.
    this.#carried = requests.filter(({ record }) => record.endUs > endUs);
    return {
      ...totals,
      startUs,
      endUs,
      requests: requests.filter(({ record }) => record.endUs <= endUs),
      server: growthUntil(await this.#readStatistics()),
      metrics: this.#parts.takeMetrics(),
    };
  }

  async #untilFinished(trial: number, startUs: number): Promise<ReturnType<Tally["take"]>> {
    const { clock, load, signal, observer } = this.#parts;
    const tally = new Tally([]);
    while (!this.#isFinished && this.#ended() === null) {
      await clock.sleepUntil(clock.nowUs() + pollUs / 5, signal);
      this.#note(await load.collect(), tally);
      observer.onProgress(trial, tally.requests.length, clock.nowUs() - startUs);
    }
    return tally.take();
  }

  #note(collected: CollectedLoad, tally: Tally): void {
    tally.add(collected);
    this.#failure ??= collected.failure;
    this.#isFinished = collected.isFinished;
  }

  /** A server that went away has no statistics: the failed requests tell why. */
  async #readStatistics(): Promise<StatisticsReading | null> {
    try {
      return await this.#parts.readStatistics();
    } catch (thrown) {
      this.#failure ??= thrown instanceof Error ? thrown.message : String(thrown);
      return null;
    }
  }
}

/** Adds up what is collected during a window. */
class Tally {
  readonly requests: MeasuredRequest[];
  #threadCount = 0;
  #idleUs = 0;
  #sentCount = 0;
  #lateCount = 0;
  #lagUs = 0;

  constructor(carried: readonly MeasuredRequest[]) {
    this.requests = [...carried];
  }

  add(collected: CollectedLoad): void {
    collected.records.forEach((record, i) => {
      this.requests.push({ record, responses: collected.responses[i] ?? null });
    });
    this.#threadCount = collected.threadCount;
    this.#idleUs += collected.idleUs;
    this.#sentCount += collected.sentCount;
    this.#lateCount += collected.lateCount;
    this.#lagUs += collected.lagUs;
  }

  /** Requests that ended until then. */
  countEnded(untilUs: number): number {
    return this.requests.filter(({ record }) => record.endUs <= untilUs).length;
  }

  take(): Omit<MeasurementWindow, "startUs" | "endUs" | "server" | "metrics"> {
    return {
      requests: this.requests,
      threadCount: this.#threadCount,
      idleUs: this.#idleUs,
      sentCount: this.#sentCount,
      lateCount: this.#lateCount,
      lagUs: this.#lagUs,
    };
  }
}
