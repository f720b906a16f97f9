import type {
  BatchStatistics,
  CountedDuration,
  ModelStatistics,
  ResponseStatistics,
} from "./model-statistics.ts";

/** How often something happened and how long that took altogether. */
export interface StatisticDuration {
  readonly count: number;
  /** Nanoseconds, a whole number. */
  readonly ns: number;
}

/** Executions of one batch size. */
export interface BatchStatisticsReport {
  readonly batch_size: number;
  readonly compute_input: StatisticDuration;
  readonly compute_infer: StatisticDuration;
  readonly compute_output: StatisticDuration;
}

/** What became of the answers at one position among those of their requests. */
export interface ResponseStatisticsReport {
  readonly compute_infer: StatisticDuration;
  readonly compute_output: StatisticDuration;
  readonly success: StatisticDuration;
  readonly fail: StatisticDuration;
  readonly empty_response: StatisticDuration;
  readonly cancel: StatisticDuration;
}

/**
 * The statistics of one model version in the form of the statistics extension. JSON and the gRPC message have the same
 * names and the same shape, so both front ends write this object as it is.
 */
export interface StatisticsReport {
  readonly name: string;
  /** A decimal number. */
  readonly version: string;
  /** Wall time of the last execution in ms since 1970, 0 before the first. */
  readonly last_inference: number;
  /** Batch elements of successful requests. */
  readonly inference_count: number;
  readonly execution_count: number;
  readonly inference_stats: {
    readonly success: StatisticDuration;
    readonly fail: StatisticDuration;
    readonly queue: StatisticDuration;
    readonly compute_input: StatisticDuration;
    readonly compute_infer: StatisticDuration;
    readonly compute_output: StatisticDuration;
    readonly cache_hit: StatisticDuration;
    readonly cache_miss: StatisticDuration;
  };
  /** By position of the response among those of its request, from "0". Empty for models that are not decoupled. */
  readonly response_stats: Readonly<Record<string, ResponseStatisticsReport>>;
  /** Ascending by batch size. */
  readonly batch_stats: readonly BatchStatisticsReport[];
  /** What backends say of their memory. None says anything. */
  readonly memory_usage: readonly never[];
}

/** Whose statistics a report is about. */
export interface ReportedModel {
  readonly name: string;
  readonly version: string;
  readonly statistics: ModelStatistics;
}

/** Reads the counters of a model version. @see contract §7.3 */
export function reportStatistics({ name, version, statistics }: ReportedModel): StatisticsReport {
  const { successCount, cache } = statistics;
  const hitCount = cache?.hitCount ?? 0;
  const computeCount = successCount - hitCount;
  return {
    name,
    version,
    last_inference: statistics.lastInferenceMs,
    inference_count: statistics.inferenceCount,
    execution_count: statistics.executionCount,
    inference_stats: {
      success: duration(successCount, statistics.requestUs),
      fail: duration(statistics.failureCount, statistics.failureUs),
      queue: duration(successCount, statistics.queueUs),
      compute_input: duration(computeCount, statistics.computeInputUs),
      compute_infer: duration(computeCount, statistics.computeInferUs),
      compute_output: duration(computeCount, statistics.computeOutputUs),
      cache_hit: duration(hitCount, cache?.hitUs ?? 0),
      cache_miss: duration(cache?.missCount ?? 0, cache?.missUs ?? 0),
    },
    response_stats: Object.fromEntries(
      statistics.responses.map((responses, index) => [String(index), reportResponses(responses)]),
    ),
    batch_stats: [...statistics.batches].sort(([a], [b]) => a - b).map(reportBatches),
    memory_usage: [],
  };
}

function reportBatches([batchSize, batches]: readonly [number, BatchStatistics]): BatchStatisticsReport {
  const { count, computeInputUs, computeInferUs, computeOutputUs } = batches;
  return {
    batch_size: batchSize,
    compute_input: duration(count, computeInputUs),
    compute_infer: duration(count, computeInferUs),
    compute_output: duration(count, computeOutputUs),
  };
}

function reportResponses({
  computeInfer,
  computeOutput,
  byOutcome,
}: ResponseStatistics): ResponseStatisticsReport {
  const report = ({ count, us }: CountedDuration): StatisticDuration => duration(count, us);
  return {
    compute_infer: report(computeInfer),
    compute_output: report(computeOutput),
    success: report(byOutcome.success),
    fail: report(byOutcome.fail),
    empty_response: report(byOutcome.empty_response),
    cancel: report(byOutcome.cancel),
  };
}

/** 2^53 ns are 104 days of computing: exact enough for a sum. */
function duration(count: number, us: number): StatisticDuration {
  return { count, ns: Math.round(us * 1_000) };
}
