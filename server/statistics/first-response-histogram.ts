import type { FirstResponseListener, InferenceRequest } from "../core/inference-request.ts";

/** Counts requests by the time until their first response or failure, in whole ms as Triton does. */
export class FirstResponseHistogram implements FirstResponseListener {
  /** Upper bounds of the buckets in ms, themselves included, ascending; the last bucket has none. */
  readonly boundsMs: readonly number[];
  /** One more than {@link boundsMs}. */
  readonly #counts: Float64Array;
  readonly #nowUs: () => number;
  #sumMs = 0;

  /** @param nowUs - Tells monotonic µs. */
  constructor(boundsMs: readonly number[], nowUs: () => number) {
    this.boundsMs = boundsMs;
    this.#counts = new Float64Array(boundsMs.length + 1);
    this.#nowUs = nowUs;
  }

  /** Sum of all times. */
  get sumMs(): number {
    return this.#sumMs;
  }

  /** For each bucket, how many requests took as long as its bound or less; the last number is the count of all. */
  cumulativeCounts(): number[] {
    let count = 0;
    return Array.from(this.#counts, (inBucket) => (count += inBucket));
  }

  onFirstResponse(request: InferenceRequest): void {
    const ms = Math.floor((this.#nowUs() - request.requestStartUs) / 1_000);
    const { boundsMs } = this;
    let bucket = 0;
    while (bucket < boundsMs.length && ms > (boundsMs[bucket] ?? 0)) bucket++;
    this.#counts[bucket] = (this.#counts[bucket] ?? 0) + 1;
    this.#sumMs += ms;
  }
}
