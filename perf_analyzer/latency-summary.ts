/** How latencies are spread. All in µs. */
export interface LatencySummary {
  /** A whole number. */
  readonly averageUs: number;
  /** Of the sample; 0 for less than two. */
  readonly standardDeviationUs: number;
  /** By percentile; at least {@link reportedPercentiles}. */
  readonly percentilesUs: ReadonlyMap<number, number>;
}

/** The percentiles of every report. */
export const reportedPercentiles = [50, 90, 95, 99] as const;

/**
 * Summarizes latencies the way Triton's tool does. An empty list gives zeros.
 *
 * @param extraPercentile - One more percentile, or `null`.
 * @see contract §9.2, 6
 */
export function summarizeLatencies(
  latenciesUs: readonly number[],
  extraPercentile: number | null,
): LatencySummary {
  const sorted = Float64Array.from(latenciesUs).sort();
  const sum = sorted.reduce((total, latency) => total + latency, 0);
  const mean = sorted.length === 0 ? 0 : sum / sorted.length;
  const squares = sorted.reduce((total, latency) => total + (latency - mean) ** 2, 0);
  const percentiles = [...reportedPercentiles, ...(extraPercentile === null ? [] : [extraPercentile])];
  return {
    averageUs: Math.floor(mean),
    standardDeviationUs: sorted.length < 2 ? 0 : Math.sqrt(squares / (sorted.length - 1)),
    percentilesUs: new Map(
      percentiles
        .sort((a, b) => a - b)
        .map((percentile) => {
          const index = Math.floor((percentile / 100) * (sorted.length - 1) + 0.5);
          return [percentile, sorted[index] ?? 0];
        }),
    ),
  };
}
