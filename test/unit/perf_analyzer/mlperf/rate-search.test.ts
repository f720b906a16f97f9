import assert from "node:assert/strict";
import { describe, it } from "mocha";
import type { LevelOutcome } from "../../../../perf_analyzer/inference-profiler.ts";
import { summarizeWindows } from "../../../../perf_analyzer/measurement-window.ts";
import { bestRun, searchRates } from "../../../../perf_analyzer/mlperf/rate-search.ts";
import { runServerScenario } from "../../../../perf_analyzer/mlperf/server-run.ts";
import type { ServerScenario } from "../../../../perf_analyzer/mlperf/server-scenario.ts";
import type { ServerRun } from "../../../../perf_analyzer/mlperf/server-verdict.ts";
import type { LevelRange } from "../../../../perf_analyzer/options/option-value.ts";
import { ManualProfilerClock } from "../../../helpers/manual-profiler-clock.ts";
import { SimulatedRateLoad } from "../../../helpers/simulated-rate-load.ts";

function runOf(ratePerSecond: number, reasons: readonly string[], outcome: LevelOutcome["kind"]): ServerRun {
  const arrivals = { kind: "poisson", ratePerSecond, seed: 0 } as const;
  return {
    result: {
      level: { kind: "rate", value: ratePerSecond, arrivals },
      outcome: outcome === "interrupted" ? { kind: outcome } : { kind: "stable", warning: null },
      windows: [],
      summary: summarizeWindows([], { batchSize: 1, percentile: 99 }),
    },
    verdict: { ratePerSecond, reasons },
  };
}

/** The rates that are run when those above `limit` are not valid. */
async function visited(range: LevelRange, limit: number, interruptAt = Number.NaN): Promise<number[]> {
  const rates: number[] = [];
  const search = searchRates(range, (rate) => {
    rates.push(rate);
    const isInterrupted = rates.length === interruptAt;
    return Promise.resolve(
      runOf(rate, rate > limit || isInterrupted ? ["it is"] : [], isInterrupted ? "interrupted" : "stable"),
    );
  });
  while ((await search.next()).done !== true);
  return rates;
}

describe("searchRates", () => {
  it("halves the range between the last valid and the first invalid rate", async () => {
    assert.deepEqual(await visited({ start: 10, end: 90, step: 10 }, 42), [10, 90, 50, 30, 40]);
  });

  it("doubles the rate until a run is not valid when the range has no end", async () => {
    assert.deepEqual(await visited({ start: 10, end: 0, step: 5 }, 42), [10, 20, 40, 80, 60, 50, 45]);
  });

  it("ends with a start that is not valid, an end that is, and an interruption", async () => {
    assert.deepEqual(await visited({ start: 10, end: 90, step: 10 }, 5), [10]);
    assert.deepEqual(await visited({ start: 10, end: 90, step: 10 }, 100), [10, 90]);
    assert.deepEqual(await visited({ start: 10, end: 10, step: 1 }, 100), [10]);
    assert.deepEqual(await visited({ start: 10, end: 90, step: 10 }, 42, 3), [10, 90, 50]);
    assert.deepEqual(await visited({ start: 10, end: 0, step: 5 }, 1_000, 2), [10, 20]);
  });

  it("finds the rate that a server with a known capacity can keep", async () => {
    // One query after the other, 4 ms each: 250 a second at most; the p99 wait of an M/D/1 queue decides.
    const scenario: ServerScenario = {
      latencyBoundUs: 40_000,
      percentile: 99,
      minDurationUs: 60_000_000,
      minQueryCount: 1_000,
      seed: 3,
    };
    const clock = new ManualProfilerClock();
    const parts = {
      load: new SimulatedRateLoad(clock, { serviceUs: () => 4_000 }),
      clock,
      readStatistics: () => Promise.resolve(null),
      signal: new AbortController().signal,
      onProgress: () => undefined,
    };
    const search = async (): Promise<readonly ServerRun[]> => {
      const runs: ServerRun[] = [];
      for await (const run of searchRates({ start: 20, end: 0, step: 4 }, (rate) =>
        runServerScenario(scenario, rate, parts),
      )) {
        runs.push(run);
      }
      return runs;
    };
    const runs = await search();
    const best = bestRun(runs)?.verdict.ratePerSecond ?? 0;
    assert.ok(best > 180 && best < 225, `${best} queries/s`);
    // Deterministic: the same search finds the same.
    assert.deepEqual(
      (await search()).map(({ verdict }) => verdict),
      runs.map(({ verdict }) => verdict),
    );
    // Every rate above the best one was found wanting.
    const firstInvalid = Math.min(
      ...runs.filter(({ verdict }) => verdict.reasons.length > 0).map(({ verdict }) => verdict.ratePerSecond),
    );
    assert.ok(firstInvalid - best <= 4, `${best} is valid, ${firstInvalid} is the next that is not`);
  });
});
