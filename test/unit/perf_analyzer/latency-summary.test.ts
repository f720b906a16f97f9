import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { summarizeLatencies } from "../../../perf_analyzer/latency-summary.ts";

describe("summarizeLatencies", () => {
  it("takes the percentile at floor(p/100·(n−1)+0.5) of the sorted latencies", () => {
    const latencies = Array.from({ length: 200 }, (_, i) => 200 - i);
    const { percentilesUs } = summarizeLatencies(latencies, 75);
    assert.deepEqual(
      [...percentilesUs],
      [
        [50, 101],
        [75, 150],
        [90, 180],
        [95, 190],
        [99, 198],
      ],
    );
  });

  it("gives a whole average and the standard deviation of the sample", () => {
    const { averageUs, standardDeviationUs } = summarizeLatencies([1, 2, 4], null);
    assert.equal(averageUs, 2);
    assert.ok(Math.abs(standardDeviationUs - Math.sqrt(7 / 3)) < 1e-9);
  });

  it("gives zeros for nothing", () => {
    const summary = summarizeLatencies([], null);
    assert.deepEqual(
      [summary.averageUs, summary.standardDeviationUs, summary.percentilesUs.get(99)],
      [0, 0, 0],
    );
  });
});
