import assert from "node:assert/strict";
import { describe, it } from "mocha";
import type { ProfilerClock } from "../../../../perf_analyzer/clock.ts";
import { MetricsCollector } from "../../../../perf_analyzer/server-metrics/metrics-collector.ts";

/** Sleeps until the test lets it go on. */
class HeldClock implements ProfilerClock {
  readonly deadlines: number[] = [];
  now = 1_000_000;
  #wake: (() => void) | null = null;

  nowUs(): number {
    return this.now;
  }

  sleepUntil(deadlineUs: number, signal: AbortSignal): Promise<void> {
    this.deadlines.push(deadlineUs);
    return new Promise((resolve) => {
      this.#wake = resolve;
      signal.addEventListener("abort", () => resolve(), { once: true });
    });
  }

  /** Moves time to `nowUs`; resolves when what was woken has run. */
  async moveTo(nowUs: number): Promise<void> {
    this.now = nowUs;
    this.#wake?.();
    await new Promise((resolve) => setImmediate(resolve));
  }
}

const source = (clock: ProfilerClock, fetchPage: (url: string) => Promise<string>) => ({
  url: "http://h:8002/metrics",
  modelName: "m",
  intervalMs: 100,
  clock,
  fetchPage,
});

describe("MetricsCollector", () => {
  it("reads at every interval, whatever a page takes, and hands each reading out once", async () => {
    const clock = new HeldClock();
    let count = 0;
    const collector = await MetricsCollector.start(
      source(clock, () => Promise.resolve(`nv_cpu_utilization 0.${count++}`)),
    );
    await clock.moveTo(1_103_000);
    await clock.moveTo(1_200_000);
    assert.deepEqual(clock.deadlines, [1_100_000, 1_200_000, 1_300_000]);
    assert.deepEqual(
      collector.take().readings.map(({ cpuUtilization }) => cpuUtilization),
      [0.1, 0.2],
    );
    assert.equal(collector.take().readings.length, 0);
    await collector.close();
  });

  it("does not begin with a URL that cannot be read", async () => {
    const refused = MetricsCollector.start(
      source(new HeldClock(), () => Promise.reject(new Error("HTTP 404"))),
    );
    await assert.rejects(refused, /cannot read http:\/\/h:8002\/metrics: HTTP 404\. Give .* --metrics-url/);
  });

  it("tells of a reading that failed and goes on", async () => {
    const clock = new HeldClock();
    let count = 0;
    const collector = await MetricsCollector.start(
      source(clock, () => (count++ === 1 ? Promise.reject(new Error("reset")) : Promise.resolve(""))),
    );
    await clock.moveTo(1_100_000);
    await clock.moveTo(1_200_000);
    assert.deepEqual(
      [collector.take()].map(({ readings, failure }) => [readings.length, failure]),
      [[1, "reset"]],
    );
    assert.equal(collector.take().failure, null);
    await collector.close();
  });
});
