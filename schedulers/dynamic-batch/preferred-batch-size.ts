/**
 * The configured preferred batch sizes, ready for the questions that the batch former asks per request.
 */
export class PreferredBatchSizes {
  readonly #isPreferred: readonly boolean[];
  /** The largest preferred size; 0 when there is none. */
  readonly max: number;

  /** @param sizes - Each in [1, maxBatchSize]; the model's config was checked for that. */
  constructor(sizes: readonly number[]) {
    this.max = sizes.reduce((max, size) => Math.max(max, size), 0);
    const isPreferred = new Array<boolean>(this.max + 1).fill(false);
    for (const size of sizes) isPreferred[size] = true;
    this.#isPreferred = isPreferred;
  }

  /** Whether a batch of this size is one of the preferred. */
  has(size: number): boolean {
    return this.#isPreferred[size] === true;
  }
}
