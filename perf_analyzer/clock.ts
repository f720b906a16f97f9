import { setTimeout as delay } from "node:timers/promises";

/** The time source of the profiler; virtual in tests. */
export interface ProfilerClock {
  /** Monotonic microseconds, comparable between the threads of this process. */
  nowUs(): number;
  /** Resolves at or soon after `deadlineUs`, at once when it has passed or `signal` is aborted. Never rejects. */
  sleepUntil(deadlineUs: number, signal: AbortSignal): Promise<void>;
}

const readingCount = 5;

/**
 * `performance.now()` begins at another moment in each thread. This is what to add, in µs, for the time of the
 * system's monotonic clock, which all threads share.
 */
function offsetOfThreadUs(): number {
  let offset = Number.NEGATIVE_INFINITY;
  for (let reading = 0; reading < readingCount; reading++) {
    const [seconds, nanoseconds] = process.hrtime();
    // A thread interrupted between both readings gets an offset that is too small.
    offset = Math.max(offset, seconds * 1e6 + nanoseconds / 1e3 - performance.now() * 1e3);
  }
  return offset;
}

const threadOffsetUs = offsetOfThreadUs();

/** The monotonic clock in µs, with a fraction. */
export function monotonicNowUs(): number {
  return performance.now() * 1e3 + threadOffsetUs;
}

/** What to add to {@link monotonicNowUs} for nanoseconds since 1970 as whole numbers, which need a bigint. */
export function epochOffsetNs(): bigint {
  return BigInt(Date.now()) * 1_000_000n - BigInt(Math.round(monotonicNowUs() * 1e3));
}

/** Real time. */
export const systemProfilerClock: ProfilerClock = {
  nowUs: monotonicNowUs,
  sleepUntil: async (deadlineUs, signal) => {
    const leftMs = (deadlineUs - monotonicNowUs()) / 1e3;
    if (leftMs <= 0 || signal.aborted) return;
    try {
      await delay(Math.ceil(leftMs), undefined, { signal });
    } catch {
      // Only the signal ends it early: the caller looks at it.
    }
  },
};
