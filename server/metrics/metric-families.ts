import type { CacheCounters } from "../cache/response-cache.ts";
import {
  type CacheStatistics,
  failureReasons,
  type ModelStatistics,
  type PaddingStatistics,
} from "../statistics/model-statistics.ts";

/**
 * The Prometheus type of a family: a counter only grows while its model stays loaded, a gauge moves both ways; a summary
 * shows quantiles, a histogram how many values were below some bounds.
 */
export type FamilyType = "counter" | "gauge" | "summary" | "histogram";

/** What follows a family's name in the names of its series. */
export type SeriesSuffix = "" | "_bucket" | "_sum" | "_count";

/** One number of a model version; `labels` come after the model's own. */
export interface ModelSample {
  readonly suffix: SeriesSuffix;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** Where the numbers of a model's series come from. */
export interface ModelSource {
  readonly statistics: ModelStatistics;
  readonly loadDurationSecs: number;
}

/** What is to be said of a family, whatever it is about. */
export interface Family {
  readonly name: string;
  readonly type: FamilyType;
  readonly unit: string;
  /** Triton's metric of this name, in our words: the HELP line. */
  readonly help: string;
}

/** A family with series for each loaded model version, labelled `model`, `version` and the model's tags. */
export interface ModelFamily extends Family {
  /** A counter of durations, or about cached responses: not there with `counter_latencies=false`. */
  readonly isLatency: boolean;
  /** Labels besides the model's own. */
  readonly ownLabels: readonly string[];
  read(source: ModelSource): readonly ModelSample[];
}

/** What the host families show. */
export interface HostSample {
  /** Share of the time in which the processors were busy, 0 to 1. */
  readonly cpuUtilization: number;
  readonly memoryTotalBytes: number;
  readonly memoryUsedBytes: number;
}

/** A family with one series without labels. */
export interface HostFamily extends Family {
  read(sample: HostSample): number;
}

const noLabels: Readonly<Record<string, string>> = {};

function countFamily(
  name: string,
  help: string,
  read: (statistics: ModelStatistics) => number,
  type: FamilyType = "counter",
): ModelFamily {
  return {
    name,
    type,
    unit: "count",
    help,
    isLatency: false,
    ownLabels: [],
    read: ({ statistics }) => [{ suffix: "", labels: noLabels, value: read(statistics) }],
  };
}

/** Triton counts whole microseconds; the fraction that floating-point sums carry is cut off for readers' sake. */
function durationFamily(
  part: string,
  what: string,
  read: (statistics: ModelStatistics) => number,
): ModelFamily {
  return {
    ...countFamily(`nv_inference_${part}_duration_us`, `${what}, in microseconds`, (statistics) =>
      Math.floor(read(statistics)),
    ),
    unit: "µs",
    isLatency: true,
  };
}

/** Only models whose config pads have such series. */
function paddingFamily(
  name: string,
  help: string,
  read: (padding: PaddingStatistics) => number,
): ModelFamily {
  return {
    ...countFamily(name, help, () => 0),
    read: ({ statistics: { padding } }) =>
      padding === null ? [] : [{ suffix: "", labels: noLabels, value: read(padding) }],
  };
}

/** A family that only models with cached responses have series of. */
function cacheFamily(
  part: string,
  what: string,
  unit: "count" | "µs",
  read: (cache: CacheStatistics) => number,
): ModelFamily {
  return {
    ...countFamily(`nv_cache_${part}_per_model`, unit === "µs" ? `${what}, in microseconds` : what, () => 0),
    unit,
    isLatency: true,
    read: ({ statistics: { cache } }) =>
      cache === null ? [] : [{ suffix: "", labels: noLabels, value: Math.floor(read(cache)) }],
  };
}

const failureLabels = failureReasons.map((reason) => ({ reason }));

/** The families of every model version, in the order of the page. */
export const modelFamilies: readonly ModelFamily[] = [
  countFamily("nv_inference_request_success", "Requests answered with a response", (s) => s.successCount),
  {
    ...countFamily(
      "nv_inference_request_failure",
      "Requests that were accepted and then failed, by reason",
      (s) => s.failureCount,
    ),
    ownLabels: ["reason"],
    read: ({ statistics }) =>
      failureLabels.map((labels) => ({
        suffix: "",
        labels,
        value: statistics.failureCountByReason[labels.reason],
      })),
  },
  countFamily(
    "nv_inference_count",
    "Inferences: a request counts once for each element of its batch",
    (s) => s.inferenceCount,
  ),
  countFamily(
    "nv_inference_exec_count",
    "Executions of the model, one for each batch",
    (s) => s.executionCount,
  ),
  countFamily(
    "nv_inference_pending_request_count",
    "Requests accepted and not yet executing",
    (s) => s.pendingCount,
    "gauge",
  ),
  durationFamily("request", "Time from a request's acceptance to its response", (s) => s.requestUs),
  durationFamily("queue", "Time that requests waited for their execution", (s) => s.queueUs),
  durationFamily(
    "compute_input",
    "Time in which inputs were prepared for execution",
    (s) => s.computeInputUs,
  ),
  durationFamily("compute_infer", "Time in which the model was executing", (s) => s.computeInferUs),
  durationFamily(
    "compute_output",
    "Time in which outputs were taken from the model",
    (s) => s.computeOutputUs,
  ),
  paddingFamily(
    "nv_inference_padded_element_count",
    "Elements of padded inputs in executed batches, padding included",
    (padding) => padding.elementCount,
  ),
  paddingFamily(
    "nv_inference_padding_element_count",
    "Elements of padded inputs in executed batches that are padding",
    (padding) => padding.paddingCount,
  ),
  {
    name: "nv_model_load_duration_secs",
    type: "gauge",
    unit: "s",
    help: "How long loading this version took, in seconds",
    isLatency: false,
    ownLabels: [],
    read: ({ loadDurationSecs }) => [{ suffix: "", labels: noLabels, value: loadDurationSecs }],
  },
  cacheFamily("num_hits", "Requests answered without an execution of their own", "count", (c) => c.hitCount),
  cacheFamily(
    "num_misses",
    "Requests executed because the cache had no response",
    "count",
    (c) => c.missCount,
  ),
  cacheFamily("hit_duration", "Time of the look-ups of requests that were hits", "µs", (c) => c.hitUs),
  cacheFamily(
    "miss_duration",
    "Time of the look-ups and insertions of requests that were misses",
    "µs",
    (c) => c.missUs,
  ),
];

/** A family about the server's response cache: one series without labels. */
export interface CacheFamily extends Family {
  read(counters: CacheCounters): number;
}

function gaugeOfCache(
  name: string,
  unit: string,
  help: string,
  read: (counters: CacheCounters) => number,
): CacheFamily {
  return { name: `nv_cache_${name}`, type: "gauge", unit, help, read };
}

/** The families of the response cache, in the order of the page. There only when the server has one. */
export const cacheFamilies: readonly CacheFamily[] = [
  gaugeOfCache(
    "util",
    "0 to 1",
    "Share of the cache's size that is taken, 0 to 1",
    (c) => c.usedBytes / c.capacityBytes,
  ),
  gaugeOfCache("num_entries", "count", "Responses in the cache", (c) => c.entryCount),
  gaugeOfCache("num_hits", "count", "Look-ups that found a response", (c) => c.hitCount),
  gaugeOfCache("num_misses", "count", "Look-ups that found none", (c) => c.missCount),
  gaugeOfCache("num_lookups", "count", "Look-ups", (c) => c.lookupCount),
  gaugeOfCache("num_evictions", "count", "Responses given up for newer ones", (c) => c.evictionCount),
  gaugeOfCache("lookup_duration", "µs", "Time of all look-ups, in microseconds", (c) =>
    Math.floor(c.lookupUs),
  ),
  gaugeOfCache("insertion_duration", "µs", "Time of all insertions, in microseconds", (c) =>
    Math.floor(c.insertUs),
  ),
];

/** The families of the machine, in the order of the page. */
export const hostFamilies: readonly HostFamily[] = [
  {
    name: "nv_cpu_utilization",
    type: "gauge",
    unit: "0 to 1",
    help: "Share of the time in which the processors were busy since the last look, 0 to 1",
    read: (sample) => sample.cpuUtilization,
  },
  {
    name: "nv_cpu_memory_total_bytes",
    type: "gauge",
    unit: "bytes",
    help: "Memory of the machine, in bytes",
    read: (sample) => sample.memoryTotalBytes,
  },
  {
    name: "nv_cpu_memory_used_bytes",
    type: "gauge",
    unit: "bytes",
    help: "Memory of the machine that is not available to new programs, in bytes",
    read: (sample) => sample.memoryUsedBytes,
  },
];
