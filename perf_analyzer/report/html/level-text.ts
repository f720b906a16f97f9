import type { LevelOutcome, LevelResult } from "../../inference-profiler.ts";
import { isRateReport, levelValue, type ReportContext } from "../report-context.ts";

/** A level as legends name it. */
export function levelName(result: LevelResult): string {
  return result.level.kind === "rate"
    ? `${levelValue(result.level)} requests/s`
    : `concurrency ${levelValue(result.level)}`;
}

/** The heading of the column of levels. */
export function levelHeader(context: ReportContext): string {
  return isRateReport(context) ? "Request rate" : "Concurrency";
}

/** How the measurement of a level ended. */
export function outcomeText(outcome: LevelOutcome, { options }: ReportContext): string {
  switch (outcome.kind) {
    case "stable":
      return outcome.warning ?? "stable";
    case "unstable":
      return `not stable within ${options.maxTrials} windows`;
    case "above limit":
      return `above the limit of ${options.latencyThresholdMs} ms`;
    case "interrupted":
      return "interrupted";
    case "failed":
      return `failed: ${outcome.message}`;
  }
}

/** Microseconds as tables show them. */
export function wholeUs(value: number): string {
  return String(Math.floor(value));
}
