import type { Status } from "../core/status.ts";
import type { ModelInstances } from "../model/model-instances.ts";

/** The instances of a model that has seats at the rate limiter, which it leaves when the last instance has ended. */
export class RateLimitedInstances implements ModelInstances {
  readonly #inner: ModelInstances;
  readonly #leave: () => void;

  constructor(inner: ModelInstances, leave: () => void) {
    this.#inner = inner;
    this.#leave = leave;
  }

  get instanceCount(): number {
    return this.#inner.instanceCount;
  }

  brokenReason(): Status {
    return this.#inner.brokenReason();
  }

  async finalize(): Promise<void> {
    try {
      await this.#inner.finalize();
    } finally {
      this.#leave();
    }
  }

  async terminate(): Promise<void> {
    try {
      await this.#inner.terminate();
    } finally {
      this.#leave();
    }
  }
}
