import type { LevelResult } from "./inference-profiler.ts";
import { decisiveLatencyUs } from "./measurement-window.ts";
import type { LevelRange } from "./options/option-value.ts";

/** How levels are searched. */
export interface SearchRule {
  readonly range: LevelRange;
  readonly isBinary: boolean;
  /** Concurrencies are whole numbers. */
  readonly isInteger: boolean;
  /** 0: none. */
  readonly latencyThresholdMs: number;
  readonly percentile: number | null;
}

/** Measures a level. */
export type ProfileLevel = (value: number) => Promise<LevelResult>;

/**
 * Measures levels from the start of the range to its end, or halves the range in search of the highest level within the
 * latency threshold. Ends at a level that failed, was interrupted or did not settle.
 *
 * @see contract §9.2, 10
 */
export async function* searchLevels(rule: SearchRule, profile: ProfileLevel): AsyncGenerator<LevelResult> {
  yield* rule.isBinary ? searchBinary(rule, profile) : searchLinear(rule, profile);
}

async function* searchLinear(rule: SearchRule, profile: ProfileLevel): AsyncGenerator<LevelResult> {
  const { start, end, step } = rule.range;
  const last = end === 0 ? Number.POSITIVE_INFINITY : end;
  for (let i = 0; ; i++) {
    const value = start + i * step;
    // 0.1 + 2 × 0.1 is more than 0.3.
    if (value > last * (1 + Number.EPSILON * 4)) return;
    const result = await profile(value);
    yield result;
    if (!isUsable(result) || isAboveThreshold(rule, result)) return;
  }
}

async function* searchBinary(rule: SearchRule, profile: ProfileLevel): AsyncGenerator<LevelResult> {
  const { range, isInteger } = rule;
  const first = await profile(range.start);
  yield first;
  if (!isUsable(first) || isAboveThreshold(rule, first) || range.end === range.start) return;
  const last = await profile(range.end);
  yield last;
  if (!canGoOn(last) || !isAboveThreshold(rule, last)) return;
  let good = range.start;
  let bad = range.end;
  while (bad - good > range.step) {
    const middle = isInteger ? Math.floor((good + bad) / 2) : (good + bad) / 2;
    const result = await profile(middle);
    yield result;
    if (!canGoOn(result)) return;
    if (isAboveThreshold(rule, result)) bad = middle;
    else good = middle;
  }
}

function isUsable({ outcome }: LevelResult): boolean {
  return outcome.kind === "stable";
}

function canGoOn({ outcome }: LevelResult): boolean {
  return outcome.kind === "stable" || outcome.kind === "above limit";
}

/** Whether a level breaks the latency threshold. */
export function isAboveThreshold(
  rule: Pick<SearchRule, "latencyThresholdMs" | "percentile">,
  result: LevelResult,
): boolean {
  if (rule.latencyThresholdMs === 0) return false;
  return decisiveLatencyUs(result.summary, rule.percentile) > rule.latencyThresholdMs * 1e3;
}
