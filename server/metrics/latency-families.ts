import type { FirstResponseHistogram } from "../statistics/first-response-histogram.ts";
import type { LatencySummaries } from "../statistics/latency-summaries.ts";
import type { LatencySummary } from "../statistics/latency-summary.ts";
import type { CacheStatistics } from "../statistics/model-statistics.ts";
import type { Family, ModelSample, ModelSource } from "./metric-families.ts";
import { firstResponseFamilyName } from "./metrics-config.ts";

/**
 * A family of distributions, with series for the model versions that have one. `--metrics-config` asks for them; without
 * a series nothing of the family is on the page.
 */
export interface LatencyFamily extends Family {
  /** The label that tells the series of one model apart. */
  readonly ownLabel: "le" | "quantile";
  read(source: ModelSource): readonly ModelSample[];
}

/** @param pick - Its result `null`: the model has no such summary. */
function summaryFamily(
  name: string,
  help: string,
  pick: (summaries: LatencySummaries, cache: CacheStatistics | null) => LatencySummary | null,
): LatencyFamily {
  return {
    name,
    type: "summary",
    unit: "µs",
    help: `${help}, in microseconds`,
    ownLabel: "quantile",
    read: ({ statistics: { summaries, cache } }) => {
      const summary = summaries === null ? null : pick(summaries, cache);
      return summaries === null || summary === null ? [] : summarySamples(summaries, summary);
    },
  };
}

function summarySamples(summaries: LatencySummaries, summary: LatencySummary): ModelSample[] {
  const values = summaries.quantilesUs(summary);
  return [
    ...summaries.targets.map(({ quantile }, at) => ({
      suffix: "" as const,
      labels: { quantile: String(quantile) },
      value: values[at] ?? Number.NaN,
    })),
    { suffix: "_sum", labels: {}, value: summary.sumUs },
    { suffix: "_count", labels: {}, value: summary.count },
  ];
}

function histogramSamples(histogram: FirstResponseHistogram): ModelSample[] {
  const counts = histogram.cumulativeCounts();
  const bounds = [...histogram.boundsMs.map(String), "+Inf"];
  return [
    ...bounds.map((le, at) => ({ suffix: "_bucket" as const, labels: { le }, value: counts[at] ?? 0 })),
    { suffix: "_sum", labels: {}, value: histogram.sumMs },
    { suffix: "_count", labels: {}, value: counts.at(-1) ?? 0 },
  ];
}

/** The families of distributions, in the order of the page. */
export const latencyFamilies: readonly LatencyFamily[] = [
  {
    name: firstResponseFamilyName,
    type: "histogram",
    unit: "ms",
    help: "Time from a request's acceptance to its first response, in milliseconds",
    ownLabel: "le",
    read: ({ statistics: { firstResponse } }) =>
      firstResponse === null ? [] : histogramSamples(firstResponse),
  },
  summaryFamily(
    "nv_inference_request_summary_us",
    "Time from a request's acceptance to its response",
    (summaries, cache) => (cache === null ? summaries.request : null),
  ),
  summaryFamily(
    "nv_inference_queue_summary_us",
    "Time that requests waited for their execution",
    (summaries) => summaries.queue,
  ),
  summaryFamily(
    "nv_inference_compute_input_summary_us",
    "Time in which inputs were prepared for execution",
    (summaries) => summaries.computeInput,
  ),
  summaryFamily(
    "nv_inference_compute_infer_summary_us",
    "Time in which the model was executing",
    (summaries) => summaries.computeInfer,
  ),
  summaryFamily(
    "nv_inference_compute_output_summary_us",
    "Time in which outputs were taken from the model",
    (summaries) => summaries.computeOutput,
  ),
  summaryFamily(
    "nv_cache_hit_summary_per_model",
    "Time of the look-ups of requests that were hits",
    (summaries, cache) => (cache === null ? null : summaries.cacheHit),
  ),
  summaryFamily(
    "nv_cache_miss_summary_per_model",
    "Time of the look-ups and insertions of requests that were misses",
    (summaries, cache) => (cache === null ? null : summaries.cacheMiss),
  ),
];
