import { type FSWatcher, watch } from "chokidar";

/** How long a changed directory must be quiet before it is looked at: a copy in progress writes more often. */
const defaultQuietMs = 500;

/**
 * Decides when the repositories are compared with what is loaded: on an interval, and sooner when the file system
 * tells of a change.
 *
 * @remarks
 * The interval is what counts; watching only shortens the wait where it works. Network file systems and exhausted
 * watch limits make it silent or fail, which is not an error.
 */
export class RepositoryPoller {
  readonly #repositories: readonly string[];
  readonly #intervalMs: number;
  readonly #poll: () => Promise<void>;
  readonly #quietMs: number;
  #watcher: FSWatcher | null = null;
  #timer: NodeJS.Timeout | null = null;
  /** When the interval ends, whatever changes: a file that is written without pause must not put polls off for ever. */
  #intervalEndMs = 0;
  #isPolling = false;
  /** Changes told of so far. One that comes while a poll runs may be in a place where the poll has been already. */
  #changeCount = 0;
  #isStopped = false;

  /**
   * @param poll - Must not reject.
   * @param quietMs - Time without changes before a poll; a parameter for tests.
   */
  constructor(
    repositories: readonly string[],
    intervalSecs: number,
    poll: () => Promise<void>,
    quietMs = defaultQuietMs,
  ) {
    this.#repositories = repositories;
    this.#intervalMs = intervalSecs * 1_000;
    this.#poll = poll;
    this.#quietMs = quietMs;
  }

  start(): void {
    this.#startInterval();
    this.#watcher = watch([...this.#repositories], { ignoreInitial: true, depth: 4, followSymlinks: true });
    this.#watcher.on("all", () => this.onChange());
    this.#watcher.on("error", () => {
      // The interval goes on.
    });
  }

  stop(): void {
    this.#isStopped = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
    void this.#watcher?.close();
  }

  /**
   * Something in a repository has changed. Each further change starts the quiet time again, but no poll is later than
   * the end of its interval.
   *
   * @internal Called by the watcher, and by tests.
   */
  onChange(): void {
    this.#changeCount++;
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
    await this.#poll();
    this.#isPolling = false;
    this.#startInterval();
    if (this.#changeCount !== knownCount) this.onChange();
  }
}
