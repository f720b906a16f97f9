import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { LatencySummary } from "../../../../server/statistics/latency-summary.ts";

const secondUs = 1_000_000;
const median = [{ quantile: 0.5, error: 0.01 }];

describe("LatencySummary", () => {
  it("LatencySummary counts and adds whole microseconds", () => {
    const summary = new LatencySummary(median, 0);
    for (let i = 0; i < 1_500; i++) summary.observe(2.9, i);
    assert.equal(summary.count, 1_500);
    assert.equal(summary.sumUs, 3_000);
    assert.deepEqual(summary.quantilesUs(1_500), [2]);
  });

  it("LatencySummary shows values that are still in its buffer, and goes on after that", () => {
    const summary = new LatencySummary(median, 0);
    summary.observe(7, 1);
    assert.deepEqual(summary.quantilesUs(2), [7]);
    for (let i = 0; i < 100; i++) summary.observe(9, 3);
    assert.deepEqual(summary.quantilesUs(4), [9]);
  });

  it("LatencySummary gives the quantiles in the order of the targets", () => {
    const targets = [0.9, 0.1].map((quantile) => ({ quantile, error: 0.001 }));
    const summary = new LatencySummary(targets, 0);
    for (let i = 1; i <= 1_000; i++) summary.observe(i, 1);
    const [high, low] = summary.quantilesUs(2);
    assert.ok(Math.abs(high! - 900) <= 2 && Math.abs(low! - 100) <= 2, `${high} ${low}`);
  });

  it("LatencySummary forgets values after a minute, but not their count and sum", () => {
    const summary = new LatencySummary(median, 0);
    summary.observe(5, secondUs);
    assert.deepEqual(summary.quantilesUs(47 * secondUs), [5]);
    assert.deepEqual(summary.quantilesUs(61 * secondUs), [Number.NaN]);
    assert.deepEqual([summary.count, summary.sumUs], [1, 5]);
  });

  it("LatencySummary lets old values go while new ones come", () => {
    const summary = new LatencySummary(median, 0);
    for (let second = 0; second < 30; second++) {
      for (let i = 0; i < 10; i++) summary.observe(100, second * secondUs);
    }
    for (let second = 30; second < 91; second++) summary.observe(1, second * secondUs);
    assert.deepEqual(summary.quantilesUs(91 * secondUs), [1]);
    assert.equal(summary.count, 361);
  });

  it("LatencySummary begins anew after a long silence", () => {
    const summary = new LatencySummary(median, 0);
    summary.observe(5, 0);
    summary.observe(8, 3_600 * secondUs);
    assert.deepEqual(summary.quantilesUs(3_600 * secondUs), [8]);
    assert.deepEqual(summary.quantilesUs(3_647 * secondUs), [8]);
    assert.deepEqual(summary.quantilesUs(3_661 * secondUs), [Number.NaN]);
  });
});
