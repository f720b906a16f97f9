import { ArrivalSchedule, type Arrivals } from "../load-manager/arrival-schedule.ts";

/**
 * The rules of MLPerf Inference's server scenario: queries arrive as a Poisson process of a given rate, and a run is valid
 * when a percentile of their latencies is within a bound, over enough time and enough queries. The result is the highest
 * rate with a valid run.
 *
 * @see mlcommons/inference_policies inference_rules.adoc, "Scenarios" and "Load Generator"
 */
export interface ServerScenario {
  readonly latencyBoundUs: number;
  /** Above 0 and below 100. */
  readonly percentile: number;
  /** Queries are sent for at least as long. */
  readonly minDurationUs: number;
  readonly minQueryCount: number;
  /** Of the arrivals, so that a run can be repeated. */
  readonly seed: number;
}

/** What the rules ask of every benchmark of the scenario. */
export const mlperfDefaults = {
  percentile: 99,
  minDurationMs: 600_000,
  /** 99 % confidence that the 99th percentile is off by 0.05 % at most: 262,742, rounded up to 33 × 2^13. */
  minQueryCount: 270_336,
} as const;

/** The arrivals of a run. */
export function scenarioArrivals({ seed }: ServerScenario, ratePerSecond: number): Arrivals {
  return { kind: "poisson", ratePerSecond, seed };
}

/** How many queries a run sends: until there are enough, and enough time has passed. */
export function runQueryCount(scenario: ServerScenario, ratePerSecond: number): number {
  const schedule = new ArrivalSchedule(scenarioArrivals(scenario, ratePerSecond));
  let count = 1;
  for (
    let atUs = schedule.next();
    atUs < scenario.minDurationUs || count < scenario.minQueryCount;
    atUs = schedule.next()
  ) {
    count++;
  }
  return count;
}

/** How many of the queries may take longer than the bound: one more, and the percentile does. */
export function allowedOverLatencyCount({ percentile }: ServerScenario, queryCount: number): number {
  return queryCount - 1 - percentileIndex(percentile, queryCount);
}

/** Where the percentile is among the sorted latencies, by the rule of MLPerf's load generator. */
export function percentileIndex(percentile: number, queryCount: number): number {
  return Math.min(queryCount - 1, Math.floor((queryCount * percentile) / 100));
}
