import type { Clock, ClockTimer } from "../core/clock.ts";
import type { TrimThread } from "./trim-thread.ts";

/** A release is followed by others: the old instances of a model end one after the other, and their threads after them. */
const trimDelayUs = 200_000;

/**
 * Has the memory of models that are gone given back to the system.
 *
 * @remarks
 * Each instance loads in a thread of its own, and glibc gives threads separate heaps ("arenas"), up to eight for each core.
 * What a session leaves behind there is kept for later, in each arena that a reload happens to get: a model of 22 MB made
 * the server grow from 193 to 290 MB in a hundred reloads, and not at all with this (docs/performance.md).
 */
export class NativeMemoryTrimmer {
  readonly #clock: Pick<Clock, "nowUs" | "at">;
  readonly #thread: Pick<TrimThread, "trim" | "close">;
  #timer: ClockTimer | null = null;
  #isClosed = false;

  constructor(clock: Pick<Clock, "nowUs" | "at">, thread: Pick<TrimThread, "trim" | "close">) {
    this.#clock = clock;
    this.#thread = thread;
  }

  /** Something large has been released. Releases close together are followed by one trim. */
  onRelease(): void {
    if (this.#isClosed || this.#timer !== null) return;
    this.#timer = this.#clock.at(this.#clock.nowUs() + trimDelayUs, () => {
      this.#timer = null;
      this.#thread.trim();
    });
  }

  /** No trim begins any more. */
  close(): void {
    this.#isClosed = true;
    this.#timer?.cancel();
    this.#thread.close();
  }
}
