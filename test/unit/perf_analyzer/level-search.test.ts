import assert from "node:assert/strict";
import { describe, it } from "mocha";
import type { LevelOutcome, LevelResult } from "../../../perf_analyzer/inference-profiler.ts";
import { searchLevels, type SearchRule } from "../../../perf_analyzer/level-search.ts";
import { summarizeWindows } from "../../../perf_analyzer/measurement-window.ts";

const stable: LevelOutcome = { kind: "stable", warning: null };

/** A level that takes `latencyUs` per unit of load. */
function resultOf(value: number, latencyUs: number, outcome: LevelOutcome): LevelResult {
  const summary = summarizeWindows([], { batchSize: 1, percentile: null });
  return {
    level: { kind: "concurrency", concurrency: value },
    outcome,
    windows: [],
    summary: { ...summary, latency: { ...summary.latency, averageUs: value * latencyUs } },
  };
}

async function visited(
  rule: Partial<SearchRule>,
  outcome: (value: number) => LevelOutcome = () => stable,
): Promise<number[]> {
  const values: number[] = [];
  const complete: SearchRule = {
    range: { start: 1, end: 4, step: 1 },
    isBinary: false,
    isInteger: true,
    latencyThresholdMs: 0,
    percentile: null,
    ...rule,
  };
  const levels = searchLevels(complete, (value) => {
    values.push(value);
    return Promise.resolve(resultOf(value, 1_000, outcome(value)));
  });
  while ((await levels.next()).done !== true);
  return values;
}

describe("searchLevels", () => {
  it("goes from start to end by step, both included", async () => {
    assert.deepEqual(await visited({ range: { start: 2, end: 8, step: 3 } }), [2, 5, 8]);
    assert.equal((await visited({ range: { start: 0.1, end: 0.3, step: 0.1 }, isInteger: false })).length, 3);
  });

  it("goes on without an end until the latency threshold is passed", async () => {
    const rule = { range: { start: 1, end: 0, step: 2 }, latencyThresholdMs: 6 };
    assert.deepEqual(await visited(rule), [1, 3, 5, 7]);
  });

  it("stops at a level that is not stable", async () => {
    assert.deepEqual(await visited({}, (value) => (value === 2 ? { kind: "unstable" } : stable)), [1, 2]);
  });

  it("halves the range in search of the highest level within the threshold", async () => {
    const rule = { range: { start: 1, end: 64, step: 1 }, isBinary: true, latencyThresholdMs: 20.5 };
    const values = await visited(rule);
    assert.deepEqual(values.slice(0, 3), [1, 64, 32]);
    assert.ok(values.includes(20) && values.includes(21), values.join());
    assert.ok(values.length <= 9, values.join());
  });

  it("ends a binary search at a start that fails or an end that passes", async () => {
    const range = { start: 4, end: 8, step: 1 };
    assert.deepEqual(await visited({ range, isBinary: true, latencyThresholdMs: 3 }), [4]);
    assert.deepEqual(await visited({ range, isBinary: true, latencyThresholdMs: 9 }), [4, 8]);
  });

  it("goes on halving when a level was ended above the limit", async () => {
    const rule = { range: { start: 1, end: 8, step: 1 }, isBinary: true, latencyThresholdMs: 2.5 };
    const values = await visited(rule, (value) => (value > 2 ? { kind: "above limit" } : stable));
    assert.deepEqual(values, [1, 8, 4, 2, 3]);
  });
});
