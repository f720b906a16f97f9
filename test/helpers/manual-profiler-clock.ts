import type { ProfilerClock } from "../../perf_analyzer/clock.ts";

/** Virtual time of the profiler: sleeping moves it. */
export class ManualProfilerClock implements ProfilerClock {
  #nowUs: number;
  /** Called whenever time has moved. */
  onMove: ((nowUs: number) => void) | null = null;

  constructor(nowUs = 5_000_000) {
    this.#nowUs = nowUs;
  }

  nowUs(): number {
    return this.#nowUs;
  }

  sleepUntil(deadlineUs: number, signal: AbortSignal): Promise<void> {
    if (!signal.aborted) this.#nowUs = Math.max(this.#nowUs, deadlineUs);
    this.onMove?.(this.#nowUs);
    return Promise.resolve();
  }
}
