/** What of a window has to be stable. */
export interface WindowLevel {
  /** Inferences per second. */
  readonly throughput: number;
  /** The average or the chosen percentile. */
  readonly latencyUs: number;
}

/** What the last windows say about a level. */
export interface Stability {
  readonly isThroughputStable: boolean;
  readonly isLatencyStable: boolean;
  /** Every one of them has a higher latency than the limit. */
  readonly isAboveLimit: boolean;
}

/** Windows that have to agree. */
export const stableWindowCount = 3;

/** The rule of stability. */
export interface StabilityRule {
  readonly stabilityPercentage: number;
  /** `null`: no limit. */
  readonly latencyLimitUs: number | null;
}

/**
 * Whether the last three windows agree: with less, or without any request in one, they do not.
 *
 * @see contract §9.2, 7 and 8
 */
export function assessStability(windows: readonly WindowLevel[], rule: StabilityRule): Stability {
  const last = windows.slice(-stableWindowCount);
  if (last.length < stableWindowCount) {
    return { isThroughputStable: false, isLatencyStable: false, isAboveLimit: false };
  }
  const isWorking = last.every(({ throughput }) => throughput > 0);
  const isAlike = (values: readonly number[]): boolean =>
    isWorking && Math.max(...values) <= Math.min(...values) * (1 + rule.stabilityPercentage / 100);
  const limitUs = rule.latencyLimitUs ?? Number.POSITIVE_INFINITY;
  return {
    isThroughputStable: isAlike(last.map(({ throughput }) => throughput)),
    isLatencyStable: isAlike(last.map(({ latencyUs }) => latencyUs)),
    isAboveLimit: last.every(({ latencyUs }) => latencyUs > limitUs),
  };
}
