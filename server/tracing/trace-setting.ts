import { traceLevel } from "./trace-level.ts";
import type { TraceValues } from "./trace-config.ts";

/**
 * A trace setting in force, and its sampler: which of the requests that it governs are traced. A change of the
 * settings makes a new one, which begins to count anew.
 */
export class TraceSetting {
  readonly values: TraceValues;
  /** Whose setting: a model's name, or "" for the global one. */
  readonly scope: string;
  /** How many more may be traced; -1: any number. */
  #remainingCount: number;
  #requestCount = 0;
  /** Sampled by rate and not yet {@link collect}ed. */
  #openCount = 0;

  constructor(scope: string, values: TraceValues) {
    this.scope = scope;
    this.values = values;
    this.#remainingCount = values.count;
  }

  /** The values as they are now: `count` is what is left of it. */
  get current(): TraceValues {
    return { ...this.values, count: this.#remainingCount };
  }

  /** Some request may be sampled without being forced. */
  get isSampling(): boolean {
    return this.values.level !== traceLevel.off && this.values.rate !== 0 && this.#remainingCount !== 0;
  }

  /** Level OFF: nothing is traced, not even what is forced. */
  get isOff(): boolean {
    return this.values.level === traceLevel.off;
  }

  /** The last trace that the count allowed has been collected. */
  get isExhausted(): boolean {
    return this.#remainingCount === 0 && this.#openCount === 0;
  }

  /**
   * Decides on one request. The first one that is sampled by rate is number `rate`.
   *
   * @param isForced - The client traces the request: it is traced in any case, unless the level is OFF, and takes
   * nothing from the count unless it would have been sampled anyway.
   */
  sample(isForced: boolean): boolean {
    if (this.isOff) return false;
    let isHit = false;
    if (this.isSampling) {
      this.#requestCount++;
      isHit = this.#requestCount % this.values.rate === 0;
    }
    if (isHit && this.#remainingCount > 0) this.#remainingCount--;
    if (!isHit && !isForced) return false;
    this.#openCount++;
    return true;
  }

  /** One trace that was sampled is complete, or lost. */
  collect(): void {
    this.#openCount--;
  }
}
