/** How long a changed directory must be quiet before it is looked at: a copy in progress writes more often. */
const defaultQuietMs = 500;

/** Whether a look saw everything at rest, or something that has to be looked at again before long. */
export type PollOutcome = "settled" | "changing";

/** What a poller is made of. */
export interface RepositoryPollerParts {
  readonly intervalSecs: number;
  /** Compares the repositories with what is loaded. Must not reject. */
  readonly poll: () => Promise<PollOutcome>;
  /** Time without changes before a poll; a parameter for tests. */
  readonly quietMs?: number;
}

/**
 * Decides when the repositories are compared with what is loaded: on an interval, and sooner when the file system
 * tells of a change.
 *
 * @remarks
 * The interval is what counts; watching only shortens the wait where it works. Network file systems and exhausted
 * watch limits make it silent or fail, which is not an error.
 */
export class RepositoryPoller {
  readonly #intervalMs: number;
  readonly #poll: () => Promise<PollOutcome>;
  readonly #quietMs: number;
  #timer: NodeJS.Timeout | null = null;
  /** When the interval ends, whatever changes: a file that is written without pause must not put polls off for ever. */
  #intervalEndMs = 0;
  #isPolling = false;
  /** Changes told of so far. One that comes while a poll runs may be in a place where the poll has been already. */
  #changeCount = 0;
  #isStopped = false;

  constructor({ intervalSecs, poll, quietMs = defaultQuietMs }: RepositoryPollerParts) {
    this.#intervalMs = intervalSecs * 1_000;
    this.#poll = poll;
    this.#quietMs = quietMs;
  }

  start(): void {
    this.#startInterval();
  }

  stop(): void {
    this.#isStopped = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
  }

  /**
   * Something in a repository has changed. Each further change starts the quiet time again, but no poll is later than
   * the end of its interval. Called by whoever watches the file system.
   */
  onChange(): void {
    this.#changeCount++;
    this.#lookSoon();
  }

  #lookSoon(): void {
    this.#arm(Math.min(this.#quietMs, this.#intervalEndMs - performance.now()));
  }

  #startInterval(): void {
    this.#intervalEndMs = performance.now() + this.#intervalMs;
    this.#arm(this.#intervalMs);
  }

  #arm(delayMs: number): void {
    if (this.#isStopped || this.#isPolling) return;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#run(), delayMs);
  }

  async #run(): Promise<void> {
    this.#isPolling = true;
    const knownCount = this.#changeCount;
    const outcome = await this.#poll();
    this.#isPolling = false;
    this.#startInterval();
    if (outcome === "changing" || this.#changeCount !== knownCount) this.#lookSoon();
  }
}
