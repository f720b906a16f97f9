import type { BenchOptions } from "./bench-options.ts";

/** What a case's ratio or difference has to reach. The source of each number is the row's issue or document. */
export interface Target {
  readonly direction: "at least" | "at most";
  readonly value: number;
  /** "" for a ratio. */
  readonly unit: "" | "us" | "ms" | "s";
}

/** One number that was measured beside the headline, to tell the server's share from the machine's. */
export interface Detail {
  readonly label: string;
  readonly value: number;
  readonly unit: string;
}

/** What one case measured: medians over its rounds. */
export interface CaseResult {
  /** The number that {@link BenchCase.target} is about. */
  readonly measured: number;
  /** The same number for each round, to judge the noise. */
  readonly rounds: readonly number[];
  readonly details: readonly Detail[];
}

/**
 * One row of the table. A case starts what it measures, verifies one answer of the server before it measures,
 * and stops everything that it started, also when it fails.
 */
export interface BenchCase {
  /** Short, in kebab-case; the command line's filter matches on it. */
  readonly name: string;
  readonly title: string;
  readonly target: Target;
  /** @throws Error when anything answered wrongly or not at all: such a run has no numbers. */
  run(options: BenchOptions): Promise<CaseResult>;
}

/** Whether the result reaches the target. */
export function meetsTarget(target: Target, measured: number): boolean {
  return target.direction === "at least" ? measured >= target.value : measured <= target.value;
}
