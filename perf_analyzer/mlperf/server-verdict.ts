import type { LevelOutcome, LevelResult } from "../inference-profiler.ts";
import { percentileIndex, type ServerScenario } from "./server-scenario.ts";

/** Whether a run counts. */
export interface ServerVerdict {
  readonly ratePerSecond: number;
  /** Why it does not, a sentence each without a stop; empty for a valid run. */
  readonly reasons: readonly string[];
}

/** One run at a rate. */
export interface ServerRun {
  readonly result: LevelResult;
  readonly verdict: ServerVerdict;
}

/** What happened during a run. */
export interface RunFacts {
  readonly ratePerSecond: number;
  readonly outcome: LevelOutcome;
  /** Of the queries that were answered, ascending. */
  readonly latenciesUs: Float64Array;
  /** How many the rules ask for. */
  readonly wantedCount: number;
  /** From the first query to the last one that was answered, by the schedule. */
  readonly durationUs: number;
}

/** Judges a run. */
export function judgeRun(scenario: ServerScenario, facts: RunFacts): ServerVerdict {
  const { ratePerSecond, outcome } = facts;
  const reasons: string[] = [];
  if (outcome.kind === "failed") reasons.push(`a query failed: ${outcome.message}`);
  if (outcome.kind === "interrupted") reasons.push("the run was interrupted");
  const latency = latencyReason(scenario, facts);
  if (latency !== null) reasons.push(latency);
  const count = facts.latenciesUs.length;
  if (count < facts.wantedCount) {
    reasons.push(`only ${count} of ${facts.wantedCount} queries were answered before the run ended`);
  }
  if (count < scenario.minQueryCount) {
    reasons.push(`${count} queries are less than the minimum of ${scenario.minQueryCount}`);
  }
  if (facts.durationUs < scenario.minDurationUs) {
    reasons.push(
      `${seconds(facts.durationUs)} s are less than the minimum duration of ${seconds(scenario.minDurationUs)} s`,
    );
  }
  return { ratePerSecond, reasons };
}

function latencyReason(scenario: ServerScenario, { latenciesUs, outcome }: RunFacts): string | null {
  const { latencyBoundUs, percentile } = scenario;
  const count = latenciesUs.length;
  const boundMs = latencyBoundUs / 1e3;
  const latencyUs = count === 0 ? 0 : (latenciesUs[percentileIndex(percentile, count)] ?? 0);
  if (latencyUs > latencyBoundUs) {
    const over = latenciesUs.reduce((sum, each) => sum + (each > latencyBoundUs ? 1 : 0), 0);
    const share = ((over * 100) / count).toFixed(2);
    return `the p${percentile} latency of ${(latencyUs / 1e3).toFixed(3)} ms is above the bound of ${boundMs} ms, which ${share} % of the queries broke`;
  }
  return outcome.kind === "above limit"
    ? `more queries than ${100 - percentile} % of the run are over the bound of ${boundMs} ms or without an answer`
    : null;
}

function seconds(us: number): string {
  return String(Number((us / 1e6).toFixed(2)));
}
