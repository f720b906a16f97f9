import type { AnalyzerOptions } from "./analyzer-options.ts";

/** Options that would be ignored: the scenario says how long and how is measured. */
const meaningless: readonly string[] = [
  "--measurement-mode",
  "--measurement-interval",
  "-p",
  "--measurement-request-count",
  "--stability-percentage",
  "-s",
  "--max-trials",
  "-r",
  "--warmup-request-count",
  "--request-count",
  "--concurrency-range",
  "--request-intervals",
  "--request-distribution",
  "--binary-search",
  "--periodic-concurrency-range",
  "--request-period",
  "--fixed-schedule",
  "--collect-metrics",
  "--metrics-url",
  "--metrics-interval",
  "--sync",
  "-b",
];

/**
 * What does not fit together in a command line with, or without, `--mlperf-server`.
 *
 * @param given - The flags that are written, as they are written.
 */
export function findMlperfConflict(options: AnalyzerOptions, given: ReadonlySet<string>): string | null {
  if (!options.isMlperfServer) {
    const alone = ["--mlperf-min-duration", "--mlperf-min-query-count"].find((flag) => given.has(flag));
    return alone === undefined ? null : `${alone} needs --mlperf-server`;
  }
  const ignored = meaningless.find((flag) => given.has(flag));
  if (ignored !== undefined) {
    return `${ignored} means nothing with --mlperf-server: its runs are of single queries with Poisson arrivals, as many and as long as --mlperf-min-query-count and --mlperf-min-duration say`;
  }
  if (options.requestRateRange === null) {
    return "--mlperf-server needs --request-rate-range <start:end:step>, the rates to search; an end of 0 doubles the rate until a run is not valid";
  }
  if (options.latencyThresholdMs === 0) {
    return "--mlperf-server needs --latency-threshold <ms>, the bound of the percentile";
  }
  if (given.has("--percentile") && options.percentile === null) {
    return "--mlperf-server bounds a percentile, not the average: write --percentile from 1 to 99, or leave it out for 99";
  }
  return null;
}
