import { RandomSource } from "../infer-data/random-source.ts";

/** When requests shall be sent. Can be sent to a thread. */
export type Arrivals =
  | { readonly kind: "constant"; readonly ratePerSecond: number }
  | { readonly kind: "poisson"; readonly ratePerSecond: number; readonly seed: number }
  | { readonly kind: "intervals"; readonly intervalsUs: readonly number[] }
  /** Set times since the start, in order; there are no requests beyond them. */
  | { readonly kind: "times"; readonly timesUs: readonly number[] };

/**
 * The send times of a level, in order, in µs since its start. Every thread makes the whole schedule and takes every n-th
 * request of it, so that together they send it exactly.
 */
export class ArrivalSchedule {
  readonly #arrivals: Arrivals;
  readonly #random: RandomSource;
  #index = 0;
  #atUs = 0;

  constructor(arrivals: Arrivals) {
    this.#arrivals = arrivals;
    this.#random = new RandomSource(arrivals.kind === "poisson" ? arrivals.seed : 0);
  }

  /** The next send time. */
  next(): number {
    const arrivals = this.#arrivals;
    const index = this.#index++;
    switch (arrivals.kind) {
      case "constant":
        // Not added up: a sum of a million gaps would drift.
        return (index * 1e6) / arrivals.ratePerSecond;
      case "poisson": {
        const atUs = this.#atUs;
        this.#atUs += (-Math.log(1 - this.#random.next()) * 1e6) / arrivals.ratePerSecond;
        return atUs;
      }
      case "intervals": {
        const atUs = this.#atUs;
        this.#atUs += arrivals.intervalsUs[index % arrivals.intervalsUs.length] ?? 0;
        return atUs;
      }
      case "times":
        return arrivals.timesUs[index] ?? Number.POSITIVE_INFINITY;
    }
  }
}

/** The mean rate of a schedule, per second. */
export function meanRate(arrivals: Arrivals): number {
  if (arrivals.kind === "times") {
    // The first one begins the schedule and is no gap.
    const lastUs = arrivals.timesUs.at(-1) ?? 0;
    return lastUs === 0 ? arrivals.timesUs.length : ((arrivals.timesUs.length - 1) * 1e6) / lastUs;
  }
  if (arrivals.kind !== "intervals") return arrivals.ratePerSecond;
  const sumUs = arrivals.intervalsUs.reduce((sum, interval) => sum + interval, 0);
  return (arrivals.intervalsUs.length * 1e6) / sumUs;
}
