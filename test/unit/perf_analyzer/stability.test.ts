import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { assessStability } from "../../../perf_analyzer/stability.ts";

const rule = { stabilityPercentage: 10, latencyLimitUs: null };
const windows = (...pairs: readonly [number, number][]): { throughput: number; latencyUs: number }[] =>
  pairs.map(([throughput, latencyUs]) => ({ throughput, latencyUs }));

describe("assessStability", () => {
  it("needs three windows", () => {
    const { isLatencyStable, isThroughputStable } = assessStability(windows([100, 10], [100, 10]), rule);
    assert.deepEqual([isThroughputStable, isLatencyStable], [false, false]);
  });

  it("accepts exactly the percentage and nothing above it", () => {
    assert.equal(assessStability(windows([100, 10], [105, 10], [110, 11]), rule).isThroughputStable, true);
    assert.equal(assessStability(windows([100, 10], [105, 10], [110, 11]), rule).isLatencyStable, true);
    assert.equal(
      assessStability(windows([100, 10], [105, 10], [110.1, 11.1]), rule).isThroughputStable,
      false,
    );
    assert.equal(assessStability(windows([100, 10], [105, 10], [110.1, 11.1]), rule).isLatencyStable, false);
  });

  it("looks at the last three windows only", () => {
    assert.equal(
      assessStability(windows([1, 900], [100, 10], [101, 10], [99, 10]), rule).isLatencyStable,
      true,
    );
  });

  it("is never stable without requests", () => {
    const result = assessStability(windows([0, 0], [0, 0], [0, 0]), rule);
    assert.deepEqual([result.isThroughputStable, result.isLatencyStable], [false, false]);
  });

  it("is above the limit when all three windows are", () => {
    const limited = { ...rule, latencyLimitUs: 50 };
    assert.equal(assessStability(windows([1, 51], [1, 90], [1, 60]), limited).isAboveLimit, true);
    assert.equal(assessStability(windows([1, 51], [1, 50], [1, 60]), limited).isAboveLimit, false);
  });
});
