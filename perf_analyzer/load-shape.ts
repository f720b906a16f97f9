import { availableParallelism } from "node:os";
import type { ModelDescription } from "./client-backend/model-description.ts";
import { PerfError } from "./exit-code.ts";
import { fixedSchedule } from "./infer-data/fixed-schedule.ts";
import type { InferData } from "./infer-data/infer-data.ts";
import { type Arrivals, meanRate } from "./load-manager/arrival-schedule.ts";
import type { LoadLevel } from "./load-manager/load-level.ts";
import type { ThreadLimits } from "./load-manager/load-manager.ts";
import { readRequestIntervals } from "./load-manager/request-intervals.ts";
import type { AnalyzerOptions } from "./options/analyzer-options.ts";
import { levelRangeOf } from "./options/cross-checks.ts";
import type { LevelRange } from "./options/option-value.ts";
import { isRateReport } from "./report/report-context.ts";

/** Outstanding requests of synchronous load at a rate, and threads at most. @see contract §9.1, --max-threads */
const defaultMaxThreads = { concurrency: 16, rate: 4 } as const;

/** The load that a command line asks for. */
export interface LoadShape {
  /** The numbers of the levels. */
  readonly range: LevelRange;
  levelOf(value: number): LoadLevel;
  /** Requests of a level; 0: until it is stable. */
  readonly requestCount: number;
  readonly limits: ThreadLimits;
  /** Requests that may be outstanding at a time; `null` for no bound. */
  readonly maxOutstanding: number | null;
}

/** @throws PerfError when the data or a file of times do not fit the options. */
export function loadShapeOf(
  options: AnalyzerOptions,
  model: ModelDescription,
  data: InferData,
  isAsync: boolean,
): LoadShape {
  const limits = threadLimits(options, model, isAsync);
  const one = { start: 1, end: 1, step: 1 };
  const periodic = options.periodicConcurrencyRange;
  if (periodic !== null) {
    const level = { kind: "periodic", ...periodic, periodResponseCount: options.requestPeriod } as const;
    const { end } = periodic;
    return { range: one, levelOf: () => level, requestCount: end, limits, maxOutstanding: end };
  }
  // Slots that do not wait may have any number of requests outstanding.
  const isBounded = limits.isSerial || !model.hasSequenceBatching;
  const maxOutstanding = isBounded ? limits.maxOutstanding : null;
  if (options.isFixedSchedule) {
    const timesUs = fixedSchedule(data, model.hasSequenceBatching);
    const requestCount = timesUs.length - options.warmupRequestCount;
    checkWarmup(options, model, requestCount);
    return {
      range: one,
      levelOf: rateLevel({ kind: "times", timesUs }),
      requestCount,
      limits,
      maxOutstanding,
    };
  }
  const { requestCount } = options;
  if (options.requestIntervals !== null) {
    const arrivals = {
      kind: "intervals",
      intervalsUs: readRequestIntervals(options.requestIntervals),
    } as const;
    return { range: one, levelOf: rateLevel(arrivals), requestCount, limits, maxOutstanding };
  }
  const range = levelRangeOf(options);
  if (options.requestRateRange !== null) {
    const { requestDistribution: kind, randomSeed: seed } = options;
    const levelOf = (ratePerSecond: number): LoadLevel =>
      rateLevel(kind === "constant" ? { kind, ratePerSecond } : { kind: "poisson", ratePerSecond, seed })();
    return { range, levelOf, requestCount, limits, maxOutstanding };
  }
  return {
    range,
    levelOf: (concurrency) => ({ kind: "concurrency", concurrency }),
    requestCount,
    limits,
    maxOutstanding: range.end === 0 ? null : range.end,
  };
}

function rateLevel(arrivals: Arrivals): () => LoadLevel {
  return () => ({ kind: "rate", arrivals, value: meanRate(arrivals) });
}

function checkWarmup(options: AnalyzerOptions, model: ModelDescription, requestCount: number): void {
  const { warmupRequestCount } = options;
  if (warmupRequestCount === 0) return;
  if (model.hasSequenceBatching) {
    throw new PerfError("--warmup-request-count would tear the sequence of --fixed-schedule apart");
  }
  if (requestCount < 1) {
    throw new PerfError(
      `--warmup-request-count must be below the ${requestCount + warmupRequestCount} entries of --input-data, got ${warmupRequestCount}`,
    );
  }
}

function threadLimits(options: AnalyzerOptions, model: ModelDescription, isAsync: boolean): ThreadLimits {
  const maxThreads =
    options.maxThreads ?? defaultMaxThreads[isRateReport({ options }) ? "rate" : "concurrency"];
  // The server may be on the same machine, and a thread keeps any number of requests outstanding.
  const affordable = Math.max(1, Math.floor(availableParallelism() / 2));
  const { hasSequenceBatching: hasSequences } = model;
  // The entries of a schedule are one sequence.
  const sequenceCount = options.isFixedSchedule ? 1 : options.sequenceCount;
  return {
    threadCount: options.maxThreads ?? Math.min(maxThreads, affordable),
    maxOutstanding: hasSequences ? sequenceCount : isAsync ? null : maxThreads,
    // Only a stream keeps the requests of a sequence in order.
    isSerial: !hasSequences || options.isSerialSequences || !options.isStreaming,
  };
}
