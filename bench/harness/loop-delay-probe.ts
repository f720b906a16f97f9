import { monitorEventLoopDelay } from "node:perf_hooks";
import { isMainThread } from "node:worker_threads";

/** What the bench asks of a server that runs with the probe: to forget what was measured, or to tell it. */
export type LoopDelayQuestion = "reset" | "read";

/** How late the event loop's main thread came to a timer that was due every millisecond. */
export interface LoopDelay {
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
  /** Times the timer fired. */
  readonly sampleCount: number;
}

const periodMs = 1;

/**
 * `node --import loop-delay-probe.js server/main.js`: measures inside the server's process, and answers over the channel
 * of its parent. Worker threads inherit the option; they are not measured.
 */
if (isMainThread && process.send !== undefined) {
  const histogram = monitorEventLoopDelay({ resolution: periodMs });
  histogram.enable();
  // The histogram holds the time between two firings, the period included.
  const delayMs = (ns: number): number => Math.max(0, ns / 1e6 - periodMs);
  process.on("message", (question: LoopDelayQuestion) => {
    const delay: LoopDelay = {
      p50Ms: delayMs(histogram.percentile(50)),
      p99Ms: delayMs(histogram.percentile(99)),
      maxMs: delayMs(histogram.max),
      sampleCount: histogram.count,
    };
    if (question === "reset") histogram.reset();
    process.send?.(delay);
  });
}
