import { type CandidateSettings, settingsKey } from "./candidate-settings.ts";

/** The values that are tried of each setting, ascending; one value for what is not tuned. */
export interface SearchValues {
  readonly instanceCounts: readonly number[];
  readonly threadCounts: readonly (number | null)[];
  readonly maxBatchSizes: readonly number[];
  readonly queueDelaysUs: readonly (number | null)[];
}

/** A point of the space: the positions of its values, in the order of {@link SearchValues}. */
export type SpacePoint = readonly [instances: number, threads: number, batch: number, delay: number];

/** The candidates that a search chooses from: the values of each setting in a grid, without what makes no sense. */
export class SearchSpace {
  readonly values: SearchValues;
  readonly #maxThreads: number | null;

  /**
   * @param values - At least one of each, ascending.
   * @param maxThreads - Instances × threads of a candidate at most, except that one thread for each is always allowed;
   * `null` for no limit.
   */
  constructor(values: SearchValues, maxThreads: number | null) {
    this.values = values;
    this.#maxThreads = maxThreads;
  }

  /** How many values each setting has. */
  get lengths(): SpacePoint {
    const { instanceCounts, threadCounts, maxBatchSizes, queueDelaysUs } = this.values;
    return [instanceCounts.length, threadCounts.length, maxBatchSizes.length, queueDelaysUs.length];
  }

  /** The settings at a point, or `null` outside of the grid and for what makes no sense. */
  at(point: SpacePoint): CandidateSettings | null {
    const { instanceCounts, threadCounts, maxBatchSizes, queueDelaysUs } = this.values;
    const instanceCount = instanceCounts[point[0]];
    const threadCount = threadCounts[point[1]];
    const maxBatchSize = maxBatchSizes[point[2]];
    // Who takes one request at a time has nothing to wait for: all delays are the same candidate.
    const queueDelayUs = queueDelaysUs[maxBatchSize === 1 ? 0 : point[3]];
    if (
      instanceCount === undefined ||
      threadCount === undefined ||
      maxBatchSize === undefined ||
      queueDelayUs === undefined
    ) {
      return null;
    }
    const threads = instanceCount * (threadCount ?? 1);
    const isOverBudget = this.#maxThreads !== null && (threadCount ?? 1) > 1 && threads > this.#maxThreads;
    return isOverBudget ? null : { instanceCount, threadCount, maxBatchSize, queueDelayUs };
  }

  /** All candidates, each once, in the order of the values. */
  all(): readonly CandidateSettings[] {
    const [instances, threads, batches, delays] = this.lengths;
    const found = new Map<string, CandidateSettings>();
    for (let i = 0; i < instances; i++) {
      for (let t = 0; t < threads; t++) {
        for (let b = 0; b < batches; b++) {
          for (let d = 0; d < delays; d++) {
            const settings = this.at([i, t, b, d]);
            if (settings !== null) found.set(settingsKey(settings), settings);
          }
        }
      }
    }
    return [...found.values()];
  }

  /** The point whose values are nearest, setting by setting. May be one that makes no sense. */
  nearest(settings: CandidateSettings): SpacePoint {
    const { instanceCounts, threadCounts, maxBatchSizes, queueDelaysUs } = this.values;
    return [
      nearestIndex(instanceCounts, settings.instanceCount),
      nearestIndex(threadCounts, settings.threadCount),
      nearestIndex(maxBatchSizes, settings.maxBatchSize),
      nearestIndex(queueDelaysUs, settings.queueDelayUs),
    ];
  }
}

function nearestIndex(values: readonly (number | null)[], wanted: number | null): number {
  const distance = (value: number | null): number => Math.abs((value ?? 0) - (wanted ?? 0));
  return values.reduce<number>((best, value, i) => {
    const bestValue = values[best] ?? null;
    return distance(value) < distance(bestValue) ? i : best;
  }, 0);
}
