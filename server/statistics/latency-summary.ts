import { QuantileSketch, type QuantileTarget } from "./quantile-sketch.ts";

/** Quantiles are those of the last minute, as Triton's. */
const windowUs = 60_000_000;

/** The window slides in that many steps. */
const stepCount = 5;
const stepUs = windowUs / stepCount;

/** Values that are sorted and given to the sketches at once: what a value costs is hardly more than its sorting. */
const batchLength = 512;

/**
 * Quantiles of durations over the last minute, and their count and sum since the beginning.
 *
 * @remarks Several sketches take all values, and begin anew in turn, a step apart. The one that begins next knows the
 * most: the last 48 to 60 seconds. A value is a number in a buffer until that is full, or somebody asks.
 */
export class LatencySummary {
  readonly #targets: readonly QuantileTarget[];
  readonly #sketches: readonly QuantileSketch[];
  readonly #batch = new Float64Array(batchLength);
  #batchSize = 0;
  #oldest = 0;
  #nextStepUs: number;
  #count = 0;
  #sumUs = 0;

  /** @param nowUs - Monotonic µs, as in the other methods. */
  constructor(targets: readonly QuantileTarget[], nowUs: number) {
    this.#targets = targets;
    this.#sketches = Array.from({ length: stepCount }, () => new QuantileSketch(targets));
    this.#nextStepUs = nowUs + stepUs;
  }

  /** Durations since the beginning. */
  get count(): number {
    return this.#count;
  }

  /** Their sum. */
  get sumUs(): number {
    return this.#sumUs;
  }

  /** Adds a duration, of which whole microseconds count, as Triton's do. */
  observe(us: number, nowUs: number): void {
    if (nowUs >= this.#nextStepUs) this.#step(nowUs);
    const wholeUs = Math.floor(us);
    this.#count++;
    this.#sumUs += wholeUs;
    this.#batch[this.#batchSize++] = wholeUs;
    if (this.#batchSize === batchLength) this.#flush();
  }

  /** @returns The durations at the targets' quantiles, in their order; NaN when there were none in the last minute. */
  quantilesUs(nowUs: number): number[] {
    if (nowUs >= this.#nextStepUs) this.#step(nowUs);
    this.#flush();
    const sketch = this.#sketches[this.#oldest];
    return this.#targets.map(({ quantile }) => sketch?.valueAt(quantile) ?? Number.NaN);
  }

  #step(nowUs: number): void {
    // What waits was observed before the step.
    this.#flush();
    for (let i = 0; i < stepCount && nowUs >= this.#nextStepUs; i++) {
      this.#sketches[this.#oldest]?.clear();
      this.#oldest = (this.#oldest + 1) % stepCount;
      this.#nextStepUs += stepUs;
    }
    // All of them are empty then.
    if (nowUs >= this.#nextStepUs) this.#nextStepUs = nowUs + stepUs;
  }

  #flush(): void {
    if (this.#batchSize === 0) return;
    const values = this.#batch.subarray(0, this.#batchSize).sort();
    for (const sketch of this.#sketches) sketch.add(values);
    this.#batchSize = 0;
  }
}
