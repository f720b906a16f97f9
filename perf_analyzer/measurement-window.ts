import type { ExportedResponse } from "./load-manager/load-plan.ts";
import type { RequestRecord } from "./load-manager/request-records.ts";
import { type LatencySummary, summarizeLatencies } from "./latency-summary.ts";
import { summarizeTokens, type TokenSummary } from "./token-summary.ts";
import type { CollectedMetrics } from "./server-metrics/metrics-collector.ts";
import { type MetricsSummary, summarizeMetrics } from "./server-metrics/metrics-summary.ts";
import { addGrowth, type ServerGrowth } from "./server-statistics.ts";

/** A request with a valid response. */
export interface MeasuredRequest {
  readonly record: RequestRecord;
  /** `null` unless they are exported. */
  readonly responses: readonly ExportedResponse[] | null;
}

/** What happened between two moments: the requests are those that ended then. */
export interface MeasurementWindow {
  readonly startUs: number;
  readonly endUs: number;
  readonly requests: readonly MeasuredRequest[];
  readonly threadCount: number;
  readonly idleUs: number;
  readonly sentCount: number;
  readonly lateCount: number;
  readonly lagUs: number;
  /** `null`: the server has no statistics. */
  readonly server: ServerGrowth | null;
  /** `null`: nobody wants them. */
  readonly metrics: CollectedMetrics | null;
}

/** What is reported of one or more windows. */
export interface WindowSummary {
  readonly requestCount: number;
  readonly durationUs: number;
  /** Inferences per second. */
  readonly throughput: number;
  /** More or less than {@link requestCount} for a decoupled model only. */
  readonly responseCount: number;
  /** Responses per second. */
  readonly responseThroughput: number;
  /** From the moment when each request should have been sent to its last response. */
  readonly latency: LatencySummary;
  /** The same to its first response; requests without any are left out. */
  readonly firstResponse: LatencySummary;
  /** The same from the moment when it was sent; differs under a request rate only. */
  readonly averageServiceUs: number;
  /** Of streamed completions; `null` when there were none. */
  readonly tokens: TokenSummary | null;
  readonly averageSendUs: number;
  readonly averageWaitUs: number;
  readonly averageReceiveUs: number;
  /** How busy the threads that make load were, 0 to 100. */
  readonly overheadPercent: number;
  readonly sendRate: number;
  /** Of the requests sent, 0 to 100. */
  readonly latePercent: number;
  /** How late the average request was sent. */
  readonly averageLagUs: number;
  readonly server: ServerGrowth | null;
  /** `null`: nobody wants them. */
  readonly metrics: MetricsSummary | null;
  /** Why the server's metrics could not be read at some time; `null` when they could. */
  readonly metricsFailure: string | null;
}

/** What a summary has to know of the options. */
export interface SummaryOptions {
  readonly batchSize: number;
  readonly percentile: number | null;
}

/**
 * Joins windows: counts and durations are added, latencies pooled.
 *
 * @see contract §9.2, 5, 6 and 9
 */
export function summarizeWindows(
  windows: readonly MeasurementWindow[],
  { batchSize, percentile }: SummaryOptions,
): WindowSummary {
  const records = windows.flatMap(({ requests }) => requests.map(({ record }) => record));
  const sum = (numberOf: (window: MeasurementWindow) => number): number =>
    windows.reduce((total, window) => total + numberOf(window), 0);
  const average = (numberOf: (record: RequestRecord) => number): number =>
    records.length === 0
      ? 0
      : Math.floor(records.reduce((total, record) => total + numberOf(record), 0) / records.length);
  const durationUs = sum(({ startUs, endUs }) => endUs - startUs);
  const threadUs = sum(({ startUs, endUs, threadCount }) => (endUs - startUs) * threadCount);
  const sentCount = sum((window) => window.sentCount);
  const perSecond = (count: number): number => (durationUs === 0 ? 0 : (count * 1e6) / durationUs);
  const responseCount = records.reduce((total, record) => total + record.responseCount, 0);
  const collected = windows.flatMap(({ metrics }) => (metrics === null ? [] : [metrics]));
  const perSent = (value: number): number => (sentCount === 0 ? 0 : value / sentCount);
  return {
    requestCount: records.length,
    durationUs,
    throughput: perSecond(records.length * batchSize),
    responseCount,
    responseThroughput: perSecond(responseCount),
    latency: summarizeLatencies(
      records.map(({ endUs, intendedUs }) => endUs - intendedUs),
      percentile,
    ),
    tokens: summarizeTokens(records, durationUs),
    firstResponse: summarizeLatencies(
      records
        .filter((record) => record.responseCount > 0)
        .map(({ firstResponseUs, intendedUs }) => firstResponseUs - intendedUs),
      null,
    ),
    averageServiceUs: average(({ endUs, sendStartUs }) => endUs - sendStartUs),
    averageSendUs: average(({ sendEndUs, sendStartUs }) => sendEndUs - sendStartUs),
    averageWaitUs: average(({ receiveStartUs, sendEndUs }) => receiveStartUs - sendEndUs),
    averageReceiveUs: average(({ endUs, receiveStartUs }) => endUs - receiveStartUs),
    overheadPercent:
      threadUs === 0 ? 0 : Math.min(100, Math.max(0, (1 - sum(({ idleUs }) => idleUs) / threadUs) * 100)),
    sendRate: perSecond(sentCount),
    latePercent: perSent(sum(({ lateCount }) => lateCount)) * 100,
    averageLagUs: Math.round(perSent(sum(({ lagUs }) => lagUs))),
    server: addGrowth(windows.map(({ server }) => server)),
    metrics: collected.length === 0 ? null : summarizeMetrics(collected.flatMap(({ readings }) => readings)),
    metricsFailure: collected.find(({ failure }) => failure !== null)?.failure ?? null,
  };
}

/** The latency that is compared: the chosen percentile, or the average. */
export function decisiveLatencyUs(summary: WindowSummary, percentile: number | null): number {
  const { averageUs, percentilesUs } = summary.latency;
  return percentile === null ? averageUs : (percentilesUs.get(percentile) ?? averageUs);
}
