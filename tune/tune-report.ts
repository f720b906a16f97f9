import type { TuneRequest } from "./tune-request.ts";
import type { TuneSubject } from "./tune-subject.ts";
import type { FailedCandidate, RankedCandidate } from "./tuning-session.ts";

/** What a tuning found. */
export interface TuneReport {
  readonly subject: TuneSubject;
  readonly request: TuneRequest;
  /** How many candidates there are. */
  readonly candidateCount: number;
  /** The best first; the current settings are among them unless it was interrupted before. */
  readonly ranking: readonly RankedCandidate[];
  readonly failures: readonly FailedCandidate[];
  readonly wasInterrupted: boolean;
  readonly advice: TuneAdvice;
}

/** What to do. */
export type TuneAdvice =
  /** The best candidate is better by more than noise, or holds constraints that the current settings break. */
  | { readonly kind: "change"; readonly to: RankedCandidate; readonly configText: string }
  /** Nothing is better. */
  | { readonly kind: "keep" }
  /** Nothing holds the constraints; this comes nearest. */
  | { readonly kind: "none"; readonly nearest: RankedCandidate | null };

/** A gain below this is not told from noise even on a quiet machine. */
const minGain = 0.02;
/** How far the median of four measurements is off, against how far they are apart; a rule of thumb. */
const medianErrorShare = 1 / 3;

/** Above this, measurements of the same thing are too far apart for small gains to mean anything. */
const quietSpread = 0.1;

/** By how many percent measurements of the current settings differ, when that is more than on a quiet machine, or `null`. */
export function noisePercent(ranking: readonly RankedCandidate[]): number | null {
  const spread = ranking.find(({ isCurrent }) => isCurrent)?.spread ?? 0;
  return spread > quietSpread ? Math.round(spread * 100) : null;
}

/**
 * What to do by a ranking.
 *
 * @param configTextOf - Makes the configuration of a candidate.
 */
export function adviceOf(
  ranking: readonly RankedCandidate[],
  configTextOf: (candidate: RankedCandidate) => string,
): TuneAdvice {
  const [best] = ranking;
  if (best === undefined || !best.isSatisfying) return { kind: "none", nearest: best ?? null };
  const current = ranking.find(({ isCurrent }) => isCurrent);
  if (best.isCurrent) return { kind: "keep" };
  const wantedGain = 1 + Math.max(minGain, medianErrorShare * (current?.spread ?? 0));
  if (current?.isSatisfying === true && best.gain < wantedGain) return { kind: "keep" };
  return { kind: "change", to: best, configText: configTextOf(best) };
}
