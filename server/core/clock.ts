/** Cancels a scheduled callback. Calling it twice, or after the callback ran, does nothing. */
export interface ClockTimer {
  cancel(): void;
}

/**
 * The time source of everything that waits or measures. Injected, so that schedulers run under virtual time in
 * tests and no test sleeps.
 */
export interface Clock {
  /** Monotonic microseconds with a fraction, comparable between all threads of this process. */
  nowUs(): number;
  /**
   * Calls `callback` once, at or soon after `deadlineUs`. One timer per scheduler, not per request: re-arm it for
   * the earliest deadline.
   */
  at(deadlineUs: number, callback: () => void): ClockTimer;
  /**
   * Calls `callback` once when the I/O events of the current turn of the event loop have been handled. A scheduler
   * forms its batches then: requests that arrived in the same turn share one batch instead of the first one
   * leaving alone.
   */
  endOfTurn(callback: () => void): void;
}

const offsetReadingCount = 5;

/**
 * `performance.now()` starts at another moment in each thread; this is what to add, in µs, to get the time of the
 * system's monotonic clock, which all threads share.
 */
function threadOffsetUs(): number {
  let offset = Number.NEGATIVE_INFINITY;
  for (let reading = 0; reading < offsetReadingCount; reading++) {
    const [seconds, nanoseconds] = process.hrtime();
    // A thread that is interrupted between the two readings gets an offset that is too small: the largest is right.
    offset = Math.max(offset, seconds * 1e6 + nanoseconds / 1e3 - performance.now() * 1e3);
  }
  return offset;
}

const offsetUs = threadOffsetUs();

/** The monotonic clock in µs. About 65 ns a call; take each timestamp once and store it. */
export function monotonicNowUs(): number {
  return performance.now() * 1e3 + offsetUs;
}

/**
 * Node's timers count whole milliseconds and may fire up to one late, while queue delays are often 100 µs. Below
 * this bound the clock polls from `setImmediate`, which the event loop runs once per turn.
 */
const coarseTimerFloorUs = 2_000;

/** Node turns longer timeouts into 1 ms. */
const maxTimeoutMs = 2 ** 31 - 1;

class SystemTimer implements ClockTimer {
  #deadlineUs: number;
  #callback: (() => void) | null;
  #timeout: NodeJS.Timeout | null = null;
  #immediate: NodeJS.Immediate | null = null;

  constructor(deadlineUs: number, callback: () => void) {
    this.#deadlineUs = deadlineUs;
    this.#callback = callback;
    this.#arm();
  }

  cancel(): void {
    this.#callback = null;
    if (this.#timeout !== null) clearTimeout(this.#timeout);
    if (this.#immediate !== null) clearImmediate(this.#immediate);
  }

  #arm(): void {
    const leftUs = this.#deadlineUs - monotonicNowUs();
    if (leftUs >= coarseTimerFloorUs) {
      // Wake one millisecond early and poll the rest: a timer set to the deadline would fire after it.
      this.#timeout = setTimeout(this.#check, Math.min(Math.floor(leftUs / 1_000) - 1, maxTimeoutMs));
    } else {
      this.#immediate = setImmediate(this.#check);
    }
  }

  readonly #check = (): void => {
    const callback = this.#callback;
    if (callback === null) return;
    if (monotonicNowUs() >= this.#deadlineUs) {
      this.#callback = null;
      callback();
    } else {
      this.#arm();
    }
  };
}

/** Real time. */
export const systemClock: Clock = {
  nowUs: monotonicNowUs,
  at: (deadlineUs, callback) => new SystemTimer(deadlineUs, callback),
  endOfTurn: (callback) => void setImmediate(callback),
};
