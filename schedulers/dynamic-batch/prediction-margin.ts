/** Of the predictions with the margin added, so many turn out to be too early. Half of what the latency target may miss. */
const missShare = 0.005;

/**
 * How much later than predicted things happen, all but for a few of them: what has to be added to a prediction to make it a
 * promise.
 *
 * @remarks Follows a quantile of the errors by the method of Robbins and Monro: a miss moves it up by a step, every hit
 * moves it down by the small part of the step with which the two are in balance at the wanted share. It needs no memory of past
 * errors, and follows when they change.
 */
export class PredictionMargin {
  readonly #stepUs: number;
  readonly #limitUs: number;
  #us = 0;

  /** @param limitUs - It never grows beyond. */
  constructor(limitUs: number) {
    this.#limitUs = limitUs;
    // A dozen misses in a row take it to the limit; it takes some thousand hits to come back.
    this.#stepUs = limitUs / 12;
  }

  /** In µs, at least 0. */
  get us(): number {
    return this.#us;
  }

  /** Something happened so much later than predicted; negative: earlier. */
  learn(errorUs: number): void {
    const movedUs = this.#us + this.#stepUs * (errorUs > this.#us ? 1 - missShare : -missShare);
    this.#us = Math.min(this.#limitUs, Math.max(0, movedUs));
  }
}
