import type { LevelRange } from "../options/option-value.ts";
import type { ServerRun } from "./server-verdict.ts";

/** Makes a run at a rate. */
export type RunAtRate = (ratePerSecond: number) => Promise<ServerRun>;

/**
 * Looks for the highest rate with a valid run: the start of the range first; then its end, or without an end twice the
 * rate until a run is not valid; then the middle, until the last valid and the first invalid rate are at most a step apart.
 *
 * Ends after a run that was interrupted.
 */
export async function* searchRates(range: LevelRange, run: RunAtRate): AsyncGenerator<ServerRun> {
  const first = await run(range.start);
  yield first;
  if (!isValid(first) || range.end === range.start) return;
  let good = range.start;
  let bad = range.end;
  if (range.end === 0) {
    for (bad = good * 2; ; bad *= 2) {
      const doubled = await run(bad);
      yield doubled;
      if (wasInterrupted(doubled)) return;
      if (!isValid(doubled)) break;
      good = bad;
    }
  } else {
    const last = await run(range.end);
    yield last;
    if (isValid(last) || wasInterrupted(last)) return;
  }
  while (bad - good > range.step) {
    const middle = (good + bad) / 2;
    const result = await run(middle);
    yield result;
    if (wasInterrupted(result)) return;
    if (isValid(result)) good = middle;
    else bad = middle;
  }
}

/** Whether a run counts. */
export function isValid({ verdict }: ServerRun): boolean {
  return verdict.reasons.length === 0;
}

/** The run with the highest rate that counts, or `null`. */
export function bestRun(runs: readonly ServerRun[]): ServerRun | null {
  const [first = null, ...others] = runs.filter(isValid);
  return others.reduce(
    (best, run) => (best === null || run.verdict.ratePerSecond > best.verdict.ratePerSecond ? run : best),
    first,
  );
}

function wasInterrupted({ result }: ServerRun): boolean {
  return result.outcome.kind === "interrupted";
}
