/** A quantile that a summary shows, and how exact it has to be. */
export interface QuantileTarget {
  /** Between 0 and 1, both excluded. */
  readonly quantile: number;
  /** How far the rank of the shown value may be off, as a share of all values. Above 0, below 1. */
  readonly error: number;
}

const initialCapacity = 64;

/**
 * Keeps as many of the values that it was given as it needs to tell a few quantiles with the asked exactness: some
 * hundred of millions.
 *
 * @remarks
 * A kept value stands for `width` values: itself and those right below it that were let go. `spread` is how far its
 * rank may lie above the lowest possible one. Two neighbours become one as long as width + spread stay below what the
 * targets allow at that rank, which is little near a target and much elsewhere.
 *
 * ```text
 * values   3    8    9    20      ascending
 * widths   1    4    1    2       their sum is the count of all values
 * spreads  0    0    3    0
 * ranks    1    5    6-9  8       from the sum of the widths so far, to that and the spread
 * ```
 *
 * @see Cormode, Korn, Muthukrishnan, Srivastava: Effective Computation of Biased Quantiles over Data Streams (2005)
 */
export class QuantileSketch {
  /** Ascending. They divide the ranks into segments, one more than there are. */
  readonly #quantiles: Float64Array;
  /**
   * The error that a target allows falls towards its own rank from both sides: by segment, the strictest slope of the
   * targets above it, to be multiplied by the count of ranks above; and that of the targets below, by the rank.
   */
  readonly #slopesTowardsEnd: Float64Array;
  readonly #slopesFromStart: Float64Array;
  #values = new Float64Array(initialCapacity);
  #widths = new Float64Array(initialCapacity);
  #spreads = new Float64Array(initialCapacity);
  #size = 0;
  #count = 0;

  constructor(targets: readonly QuantileTarget[]) {
    const sorted = [...targets].sort((a, b) => a.quantile - b.quantile);
    const segments = Array.from({ length: sorted.length + 1 }, (_, segment) => segment);
    this.#quantiles = Float64Array.from(sorted, ({ quantile }) => quantile);
    this.#slopesTowardsEnd = Float64Array.from(segments, (segment) =>
      Math.min(...sorted.slice(segment).map(({ quantile, error }) => (2 * error) / (1 - quantile))),
    );
    this.#slopesFromStart = Float64Array.from(segments, (segment) =>
      Math.min(...sorted.slice(0, segment).map(({ quantile, error }) => (2 * error) / quantile)),
    );
  }

  /** How many values are kept. */
  get size(): number {
    return this.#size;
  }

  /** @param added - Ascending. Not retained. */
  add(added: Float64Array): void {
    if (added.length === 0) return;
    this.#makeRoom(this.#size + added.length);
    this.#insert(added);
    this.#compress();
  }

  /** Merges from the end, so that what is written never meets what is still to be read. */
  #insert(added: Float64Array): void {
    const values = this.#values;
    const widths = this.#widths;
    const spreads = this.#spreads;
    let kept = this.#size - 1;
    let fresh = added.length - 1;
    // An added value may stand anywhere among those that the kept value above it stands for.
    let freshSpread = 0;
    while (fresh >= 0) {
      const place = kept + fresh + 1;
      const value = at(added, fresh);
      if (kept >= 0 && at(values, kept) > value) {
        values[place] = at(values, kept);
        widths[place] = at(widths, kept);
        spreads[place] = at(spreads, kept);
        freshSpread = at(widths, kept) + at(spreads, kept) - 1;
        kept--;
      } else {
        values[place] = value;
        widths[place] = 1;
        spreads[place] = freshSpread;
        fresh--;
      }
    }
    this.#size += added.length;
    this.#count += added.length;
  }

  /** Lets values go whose ranks the targets do not ask for, from the end on. */
  #compress(): void {
    const values = this.#values;
    const widths = this.#widths;
    const spreads = this.#spreads;
    const end = this.#size;
    const count = this.#count;
    let segment = this.#quantiles.length;
    // The value that the next ones may become part of.
    let place = end - 1;
    let rankBefore = count - at(widths, place);
    for (let next = end - 2; next >= 0; next--) {
      rankBefore -= at(widths, next);
      while (segment > 0 && rankBefore <= at(this.#quantiles, segment - 1) * count) segment--;
      const merged = at(widths, next) + at(widths, place) + at(spreads, place);
      const isAllowed =
        merged <= at(this.#slopesTowardsEnd, segment) * (count - rankBefore) &&
        merged <= at(this.#slopesFromStart, segment) * rankBefore;
      // The smallest value stays by itself: those that may come below it are then as exact.
      if (isAllowed && next > 0) {
        widths[place] = at(widths, place) + at(widths, next);
      } else {
        place--;
        values[place] = at(values, next);
        widths[place] = at(widths, next);
        spreads[place] = at(spreads, next);
      }
    }
    values.copyWithin(0, place, end);
    widths.copyWithin(0, place, end);
    spreads.copyWithin(0, place, end);
    this.#size = end - place;
  }

  /** @returns A value whose rank is as near to that of the quantile as its target asks; NaN when there are no values. */
  valueAt(quantile: number): number {
    const wanted = Math.ceil(quantile * this.#count);
    let nearest = Number.NaN;
    let smallestError = Number.POSITIVE_INFINITY;
    let lowestRank = 0;
    for (let i = 0; i < this.#size; i++) {
      lowestRank += at(this.#widths, i);
      const highestRank = lowestRank + at(this.#spreads, i);
      const error = Math.max(wanted - lowestRank, highestRank - wanted);
      if (error < smallestError) {
        smallestError = error;
        nearest = at(this.#values, i);
      }
    }
    return nearest;
  }

  /** Forgets everything. */
  clear(): void {
    this.#size = 0;
    this.#count = 0;
  }

  #makeRoom(size: number): void {
    if (size <= this.#values.length) return;
    const capacity = Math.max(size, 2 * this.#values.length);
    this.#values = grown(this.#values, capacity);
    this.#widths = grown(this.#widths, capacity);
    this.#spreads = grown(this.#spreads, capacity);
  }
}

/** A number that is there. */
function at(array: Float64Array, index: number): number {
  return array[index] ?? 0;
}

function grown(array: Float64Array, capacity: number): Float64Array<ArrayBuffer> {
  const larger = new Float64Array(capacity);
  larger.set(array);
  return larger;
}
