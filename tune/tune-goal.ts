import type { Measurement } from "./measurement.ts";

/** What can be asked for: the names are Model Analyzer's. */
export const tuneMetrics = {
  perf_throughput: { unit: "infer/s", isHigherBetter: true, valueOf: (m) => m.throughput },
  perf_latency_avg: { unit: "ms", isHigherBetter: false, valueOf: (m) => m.averageMs },
  perf_latency_p50: { unit: "ms", isHigherBetter: false, valueOf: (m) => m.p50Ms },
  perf_latency_p90: { unit: "ms", isHigherBetter: false, valueOf: (m) => m.p90Ms },
  perf_latency_p95: { unit: "ms", isHigherBetter: false, valueOf: (m) => m.p95Ms },
  perf_latency_p99: { unit: "ms", isHigherBetter: false, valueOf: (m) => m.p99Ms },
  cpu_used_ram: { unit: "MB", isHigherBetter: false, valueOf: (m) => m.memoryMb },
} as const satisfies Record<string, TuneMetric>;

export type MetricName = keyof typeof tuneMetrics;

interface TuneMetric {
  readonly unit: string;
  readonly isHigherBetter: boolean;
  /** `null`: this system does not say. */
  readonly valueOf: (measurement: Measurement) => number | null;
}

/** The names in the order of the table. */
export const metricNames: readonly MetricName[] = Object.keys(tuneMetrics).filter(
  (name): name is MetricName => name in tuneMetrics,
);

/** Something that is to become better. */
export interface Objective {
  readonly metric: MetricName;
  /** Above 0, against those of other objectives. */
  readonly weight: number;
}

/** Something that must hold. */
export interface Constraint {
  readonly metric: MetricName;
  readonly bound: "min" | "max";
  /** Above 0, in the metric's unit. */
  readonly value: number;
}

/** What tuning is for. */
export interface TuneGoal {
  /** At least one. */
  readonly objectives: readonly Objective[];
  readonly constraints: readonly Constraint[];
}

/**
 * How many times as good a measurement is as another one: each objective's ratio, better ones above 1, as a mean weighted
 * by their weights. The mean is the geometric one, so that half of the latency counts as much as twice the throughput.
 */
export function gainOver(goal: TuneGoal, measurement: Measurement, reference: Measurement): number {
  let sum = 0;
  let weights = 0;
  for (const { metric, weight } of goal.objectives) {
    const { isHigherBetter, valueOf } = tuneMetrics[metric];
    const value = valueOf(measurement) ?? 0;
    const other = valueOf(reference) ?? 0;
    if (value <= 0 || other <= 0) continue;
    sum += weight * Math.log(isHigherBetter ? value / other : other / value);
    weights += weight;
  }
  return weights === 0 ? 1 : Math.exp(sum / weights);
}

/** By how much the constraints are broken together, relative to each; 0 when all hold. */
export function violationOf(goal: TuneGoal, measurement: Measurement): number {
  return goal.constraints.reduce((sum, { metric, bound, value }) => {
    const found = tuneMetrics[metric].valueOf(measurement);
    if (found === null) return sum;
    const ratio = bound === "max" ? found / value : value / Math.max(found, Number.MIN_VALUE);
    return sum + Math.max(0, ratio - 1);
  }, 0);
}

/** One number to compare measurements by: the gain, or below 0 how far it is from what must hold. */
export function fitnessOf(goal: TuneGoal, measurement: Measurement, reference: Measurement): number {
  const violation = violationOf(goal, measurement);
  return violation > 0 ? -violation : gainOver(goal, measurement, reference);
}

/** The goal in words. */
export function describeGoal({ objectives, constraints }: TuneGoal): string {
  const wanted = objectives.map(({ metric, weight }) =>
    objectives.length === 1 ? metric : `${metric} (weight ${weight})`,
  );
  const needed = constraints.map(
    ({ metric, bound, value }) =>
      `${metric} ${bound === "max" ? "≤" : "≥"} ${value} ${tuneMetrics[metric].unit}`,
  );
  return [wanted.join(", "), ...(needed.length === 0 ? [] : [`while ${needed.join(", ")}`])].join(" ");
}
