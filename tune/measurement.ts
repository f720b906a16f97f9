/** What was measured of a candidate under one load. */
export interface Measurement {
  /** Requests that were kept outstanding. */
  readonly concurrency: number;
  /** Inferences per second. */
  readonly throughput: number;
  readonly averageMs: number;
  readonly p50Ms: number;
  readonly p90Ms: number;
  readonly p95Ms: number;
  readonly p99Ms: number;
  /** The server's resident memory at its highest, in megabytes; `null`: this system does not say. */
  readonly memoryMb: number | null;
  /** Whether the measurement settled by the rule of perf_analyzer. */
  readonly isStable: boolean;
}

/** Joins measurements of one candidate under the same load: the median of each number. @param all - At least one. */
export function joinMeasurements(all: readonly Measurement[]): Measurement {
  const [first] = all;
  if (first === undefined) throw new Error("Nothing to join. This is a bug.");
  const middle = (valueOf: (measurement: Measurement) => number): number => median(all.map(valueOf));
  const memories = all.map(({ memoryMb }) => memoryMb).filter((memory) => memory !== null);
  return {
    concurrency: first.concurrency,
    throughput: middle(({ throughput }) => throughput),
    averageMs: middle(({ averageMs }) => averageMs),
    p50Ms: middle(({ p50Ms }) => p50Ms),
    p90Ms: middle(({ p90Ms }) => p90Ms),
    p95Ms: middle(({ p95Ms }) => p95Ms),
    p99Ms: middle(({ p99Ms }) => p99Ms),
    memoryMb: memories.length === 0 ? null : median(memories),
    isStable: all.every(({ isStable }) => isStable),
  };
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const half = sorted.length / 2;
  return ((sorted[Math.ceil(half) - 1] ?? 0) + (sorted[Math.floor(half)] ?? 0)) / 2;
}
