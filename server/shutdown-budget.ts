/** The exit timeout: it starts once, and all phases of the shutdown share it. */
export class ShutdownBudget {
  readonly #endMs: number;

  constructor(totalMs: number) {
    this.#endMs = performance.now() + totalMs;
  }

  /** What is left, at least 0. */
  leftMs(): number {
    return Math.max(0, this.#endMs - performance.now());
  }
}
