import { type CandidateSettings, settingsKey } from "./candidate-settings.ts";
import { joinMeasurements, type Measurement } from "./measurement.ts";
import { fitnessOf, gainOver, type TuneGoal, violationOf } from "./tune-goal.ts";

/** What came of measuring a candidate. */
export type CandidateOutcome =
  /** A measurement for each load, in the same order for every candidate. */
  | { readonly kind: "measured"; readonly levels: readonly Measurement[] }
  | { readonly kind: "failed"; readonly reason: string };

/** Measures a candidate. Rejects when nothing can be measured at all. */
export type MeasureCandidate = (settings: CandidateSettings, isCurrent: boolean) => Promise<CandidateOutcome>;

/** A candidate that was measured. */
export interface RankedCandidate {
  readonly settings: CandidateSettings;
  readonly isCurrent: boolean;
  /** Under the load that suits it best. */
  readonly best: Measurement;
  /** How often it was measured. */
  readonly sampleCount: number;
  /** How far apart the throughputs of its measurements are, relative to their median; 0 for one measurement. */
  readonly spread: number;
  /** Whether all constraints hold. */
  readonly isSatisfying: boolean;
  /** Against the current settings, 1 for as good. */
  readonly gain: number;
}

/** A candidate that could not be measured. */
export interface FailedCandidate {
  readonly settings: CandidateSettings;
  readonly isCurrent: boolean;
  readonly reason: string;
}

/** Thrown by {@link TuningSession.fitness} when the user wants the end. */
export class TuningInterrupted extends Error {}

interface Entry {
  readonly settings: CandidateSettings;
  readonly isCurrent: boolean;
  samples: readonly (readonly Measurement[])[];
  failure: string | null;
}

/** What a session works with. */
export interface SessionParts {
  readonly goal: TuneGoal;
  readonly current: CandidateSettings;
  readonly measure: MeasureCandidate;
  /** Aborted when the user wants the end. */
  readonly signal: AbortSignal;
  /** Told about each measurement. */
  readonly onMeasured: (settings: CandidateSettings, outcome: CandidateOutcome) => void;
}

/**
 * The candidates that are looked at again, and how often they are measured in the end, by their median. Fewer of either do
 * not always come within 5 % of the best when measurements have a noise of 3 %: see the test of quickSearch.
 */
const finalistCount = 6;
const finalSampleCount = 4;
/** A candidate that is further behind the best is not made the best by noise. */
const nearShare = 0.67;

/** Remembers what was measured, and compares it. */
export class TuningSession {
  readonly #parts: SessionParts;
  readonly #entries = new Map<string, Entry>();

  constructor(parts: SessionParts) {
    this.#parts = parts;
  }

  /**
   * Measures the current settings, which everything is compared with. Call it first.
   *
   * @returns Why they cannot be measured, or `null`.
   */
  async measureCurrent(): Promise<string | null> {
    const entry = await this.#sample(this.#entryOf(this.#parts.current));
    return entry.failure;
  }

  /** How good a candidate is; it is measured the first time. @throws TuningInterrupted */
  readonly fitness = async (settings: CandidateSettings): Promise<number> => {
    const known = this.#entries.get(settingsKey(settings));
    const entry = known ?? (await this.#sample(this.#entryOf(settings)));
    const best = this.#bestOf(entry);
    return best === null ? Number.NEGATIVE_INFINITY : fitnessOf(this.#parts.goal, best, this.#reference());
  };

  /**
   * Measures the best candidates and the current settings again, in turns: the luckiest measurement of many is not that of
   * the best candidate. Goes on while one that was measured less comes up among the best. What is far behind stays there.
   *
   * @throws TuningInterrupted
   */
  async confirm(): Promise<void> {
    for (;;) {
      const ranking = this.ranking();
      const [best] = ranking;
      const finalists = ranking
        .filter(({ isCurrent }, i) => i < finalistCount || isCurrent)
        .filter((candidate) => best !== undefined && (candidate.isCurrent || isNear(candidate, best)))
        .map(({ settings }) => this.#entryOf(settings))
        .filter(({ samples, failure }) => failure === null && samples.length < finalSampleCount);
      if (finalists.length === 0) return;
      for (const entry of finalists) await this.#sample(entry);
    }
  }

  /**
   * What was measured, the best first: what satisfies the constraints, then by how little it breaks them. Empty without the
   * current settings.
   */
  ranking(): readonly RankedCandidate[] {
    const { goal } = this.#parts;
    const reference = this.#currentBest();
    if (reference === null) return [];
    return [...this.#entries.values()]
      .flatMap((entry) => {
        const best = this.#bestOf(entry);
        if (best === null) return [];
        const { settings, isCurrent, samples } = entry;
        return [
          {
            settings,
            isCurrent,
            best,
            sampleCount: samples.length,
            spread: spreadOf(samples, best),
            isSatisfying: violationOf(goal, best) === 0,
            gain: gainOver(goal, best, reference),
          },
        ];
      })
      .sort((a, b) => fitnessOf(goal, b.best, reference) - fitnessOf(goal, a.best, reference));
  }

  /** What could not be measured, in the order in which it was tried. */
  failures(): readonly FailedCandidate[] {
    return [...this.#entries.values()].flatMap(({ settings, isCurrent, failure }) =>
      failure === null ? [] : [{ settings, isCurrent, reason: failure }],
    );
  }

  #entryOf(settings: CandidateSettings): Entry {
    const key = settingsKey(settings);
    const known = this.#entries.get(key);
    if (known !== undefined) return known;
    const isCurrent = key === settingsKey(this.#parts.current);
    return { settings, isCurrent, samples: [], failure: null };
  }

  async #sample(entry: Entry): Promise<Entry> {
    const { measure, onMeasured } = this.#parts;
    this.#throwIfInterrupted();
    const outcome = await measure(entry.settings, entry.isCurrent);
    // What was cut short is neither a result nor a failure.
    this.#throwIfInterrupted();
    if (outcome.kind === "measured") entry.samples = [...entry.samples, outcome.levels];
    else entry.failure = outcome.reason;
    this.#entries.set(settingsKey(entry.settings), entry);
    onMeasured(entry.settings, outcome);
    return entry;
  }

  #throwIfInterrupted(): void {
    if (this.#parts.signal.aborted) throw new TuningInterrupted();
  }

  /** The measurement under the load that suits a candidate best; `null` without any. */
  #bestOf({ samples, failure }: Entry): Measurement | null {
    const levels = joinLevels(samples);
    const [first] = levels;
    if (failure !== null || first === undefined) return null;
    const { goal } = this.#parts;
    return levels.reduce((best, level) =>
      fitnessOf(goal, level, first) > fitnessOf(goal, best, first) ? level : best,
    );
  }

  #currentBest(): Measurement | null {
    const current = this.#entries.get(settingsKey(this.#parts.current));
    return current === undefined ? null : this.#bestOf(current);
  }

  #reference(): Measurement {
    const best = this.#currentBest();
    if (best === null) throw new Error("The current settings were not measured. This is a bug.");
    return best;
  }
}

function spreadOf(samples: readonly (readonly Measurement[])[], best: Measurement): number {
  const throughputs = samples
    .flat()
    .filter(({ concurrency }) => concurrency === best.concurrency)
    .map(({ throughput }) => throughput);
  return (Math.max(...throughputs) - Math.min(...throughputs)) / best.throughput;
}

/** Whether noise could be what sets a candidate apart from the best one. */
function isNear(candidate: RankedCandidate, best: RankedCandidate): boolean {
  return candidate.isSatisfying !== best.isSatisfying || candidate.gain >= best.gain * nearShare;
}

function joinLevels(samples: readonly (readonly Measurement[])[]): readonly Measurement[] {
  return (samples[0] ?? []).map((_, level) =>
    joinMeasurements(samples.map((sample) => sample[level]).filter((each) => each !== undefined)),
  );
}
