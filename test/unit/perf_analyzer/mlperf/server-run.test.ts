import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { runServerScenario } from "../../../../perf_analyzer/mlperf/server-run.ts";
import type { ServerScenario } from "../../../../perf_analyzer/mlperf/server-scenario.ts";
import type { ServerRun } from "../../../../perf_analyzer/mlperf/server-verdict.ts";
import { ManualProfilerClock } from "../../../helpers/manual-profiler-clock.ts";
import { type SimulatedQueue, SimulatedRateLoad } from "../../../helpers/simulated-rate-load.ts";

const scenario: ServerScenario = {
  latencyBoundUs: 20_000,
  percentile: 99,
  minDurationUs: 10_000_000,
  minQueryCount: 500,
  seed: 7,
};

async function runAt(
  ratePerSecond: number,
  queue: SimulatedQueue,
  parts: { rules?: Partial<ServerScenario>; abortAtUs?: number } = {},
): Promise<ServerRun & { readonly virtualSeconds: number; readonly sent: number | null }> {
  const clock = new ManualProfilerClock();
  const load = new SimulatedRateLoad(clock, queue);
  const abort = new AbortController();
  const startUs = clock.nowUs();
  clock.onMove = (nowUs) => {
    if (parts.abortAtUs !== undefined && nowUs - startUs >= parts.abortAtUs) abort.abort();
  };
  const run = await runServerScenario({ ...scenario, ...parts.rules }, ratePerSecond, {
    load,
    clock,
    readStatistics: () => Promise.resolve(null),
    signal: abort.signal,
    onProgress: () => undefined,
  });
  const virtualSeconds = (clock.nowUs() - startUs) / 1e6;
  return { ...run, virtualSeconds, sent: load.runs[0]?.requestCount ?? null };
}

describe("runServerScenario", () => {
  it("is valid when the percentile is within the bound over enough time and queries", async () => {
    const { verdict, result, sent } = await runAt(100, { serviceUs: () => 1_000 });
    assert.deepEqual(verdict, { ratePerSecond: 100, reasons: [] });
    assert.equal(result.outcome.kind, "stable");
    assert.equal(result.summary.requestCount, sent);
    // 100 a second for ten seconds, of a Poisson process.
    assert.ok(sent !== null && sent > 850 && sent < 1_150, String(sent));
  });

  it("sends on until there are enough queries", async () => {
    const { sent, virtualSeconds, verdict } = await runAt(10, { serviceUs: () => 1_000 });
    assert.equal(sent, 500);
    assert.ok(virtualSeconds > 40, String(virtualSeconds));
    assert.deepEqual(verdict.reasons, []);
  });

  it("allows as many slow queries as the percentile leaves, and not one more", async () => {
    const rules = { minDurationUs: 1, minQueryCount: 1_000 };
    // Of 1,000 queries the 991st latency is the p99: nine may be slower.
    const slowest = (count: number): SimulatedQueue => ({
      serviceUs: (index) => (index % 100 === 0 && index / 100 < count ? 30_000 : 10),
      isParallel: true,
    });
    const good = await runAt(50, slowest(9), { rules });
    assert.deepEqual(good.verdict.reasons, []);
    const bad = await runAt(50, slowest(10), { rules });
    assert.match(bad.verdict.reasons[0] ?? "", /^the p99 latency of 30\.000 ms is above the bound of 20 ms/);
    assert.equal(bad.result.outcome.kind, "above limit");
  });

  it("counts latency from the scheduled arrival", async () => {
    // Each query is served in less than the bound, but they queue up.
    const { verdict } = await runAt(90, { serviceUs: () => 11_000 });
    assert.match(verdict.reasons.join("\n"), /p99 latency/);
  });

  it("ends a run that cannot become valid any more", async () => {
    const { verdict, result, virtualSeconds } = await runAt(1_000, { serviceUs: () => 50_000 });
    assert.equal(result.outcome.kind, "above limit");
    assert.ok(virtualSeconds < 0.5, String(virtualSeconds));
    assert.match(verdict.reasons.join("\n"), /only \d+ of \d+ queries were answered/);
    assert.match(verdict.reasons.join("\n"), /less than the minimum duration of 10 s/);
  });

  it("notices a server that answers nothing at all", async () => {
    const { result, verdict } = await runAt(100, { serviceUs: () => 1e9 });
    assert.equal(result.outcome.kind, "above limit");
    assert.match(verdict.reasons.join("\n"), /over the bound of 20 ms or without an answer/);
  });

  it("is not valid when a query failed", async () => {
    const { verdict, result } = await runAt(100, { serviceUs: () => 1_000, failsAt: 300 });
    assert.equal(result.outcome.kind, "failed");
    assert.match(verdict.reasons[0] ?? "", /^a query failed: HTTP 503: the queue is full/);
    assert.equal(result.summary.requestCount, 300);
  });

  it("is not valid when it was interrupted", async () => {
    const { verdict, result } = await runAt(100, { serviceUs: () => 1_000 }, { abortAtUs: 2_000_000 });
    assert.equal(result.outcome.kind, "interrupted");
    assert.match(verdict.reasons.join("\n"), /^the run was interrupted\nonly \d+ of \d+ queries/);
  });

  it("is the same run for the same seed, and another for another one", async () => {
    const latencies = async (seed: number): Promise<number> => {
      const run = await runAt(100, { serviceUs: () => 5_000 }, { rules: { seed } });
      return run.result.summary.latency.percentilesUs.get(99) ?? 0;
    };
    assert.equal(await latencies(1), await latencies(1));
    assert.notEqual(await latencies(1), await latencies(2));
  });
});
