import type { LevelResult } from "../inference-profiler.ts";
import type { LoadLevel } from "../load-manager/load-level.ts";
import type { RequestPlan } from "../infer-data/request-plan.ts";
import type { AnalyzerOptions } from "../options/analyzer-options.ts";

/** What all reports are about. */
export interface ReportContext {
  readonly options: AnalyzerOptions;
  readonly isAsync: boolean;
  readonly hasResponseCache: boolean;
  /** Whether a request may have any number of responses. */
  readonly isDecoupled: boolean;
  readonly plan: RequestPlan;
  readonly version: string;
}

/** A report is of one kind of load. */
export function isRateReport({ options }: Pick<ReportContext, "options">): boolean {
  return options.requestRateRange !== null || options.requestIntervals !== null || options.isFixedSchedule;
}

/** What a report calls the number of a level. */
export function levelName(level: LoadLevel): string {
  switch (level.kind) {
    case "concurrency":
      return "Concurrency";
    case "rate":
      return "Request Rate";
    case "periodic":
      return "Periodic concurrency";
  }
}

/** A level as a report writes it: 4, or 12.5. */
export function levelValue(level: LoadLevel): string {
  switch (level.kind) {
    case "concurrency":
      return String(level.concurrency);
    case "rate":
      return String(Number(level.value.toFixed(3)));
    case "periodic":
      return String(level.end);
  }
}

/** Levels that have something to report. */
export function reportedLevels(results: readonly LevelResult[]): readonly LevelResult[] {
  return results.filter(({ summary }) => summary.requestCount > 0);
}
