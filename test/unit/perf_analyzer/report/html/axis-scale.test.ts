import assert from "node:assert/strict";
import { describe, it } from "mocha";
import fc from "fast-check";
import {
  formatQuantity,
  linearScale,
  logarithmicScale,
  tailScale,
} from "../../../../../perf_analyzer/report/html/axis-scale.ts";

describe("linearScale", () => {
  it("marks round numbers from 0 to the first one that is not below the largest value", () => {
    const labels = linearScale(2_359).ticks.map(({ label }) => label);
    assert.deepEqual(labels, ["0", "500", "1,000", "1,500", "2,000", "2,500"]);
    assert.equal(linearScale(2_359).fractionOf(1_250), 0.5);
  });

  it("places every value up to the largest between 0 and 1", () => {
    fc.assert(
      fc.property(fc.double({ min: 1e-6, max: 1e9, noNaN: true }), (max) => {
        const scale = linearScale(max);
        const fraction = scale.fractionOf(max);
        assert.ok(fraction > 0 && fraction <= 1 + 1e-9, `${max}: ${fraction}`);
        assert.ok(scale.ticks.length >= 2 && scale.ticks.length <= 7, `${max}: ${scale.ticks.length} ticks`);
      }),
    );
  });

  it("has an axis for nothing but zeros", () => {
    assert.ok(linearScale(0).ticks.every(({ fraction }) => Number.isFinite(fraction)));
    assert.equal(linearScale(0).fractionOf(0), 0);
  });
});

describe("logarithmicScale", () => {
  it("spreads powers of ten evenly", () => {
    const scale = logarithmicScale(0.5, 80);
    assert.equal(scale.fractionOf(0.1), 0);
    assert.ok(Math.abs(scale.fractionOf(1) - 1 / 3) < 1e-9);
    assert.equal(scale.fractionOf(100), 1);
  });

  it("marks the steps in between when there are few powers", () => {
    assert.deepEqual(
      logarithmicScale(2, 8).ticks.map(({ label }) => label),
      ["1", "2", "5", "10"],
    );
  });
});

describe("tailScale", () => {
  it("gives 90, 99 and 99.9 the same distance, as far as there are requests", () => {
    const scale = tailScale(1_000);
    assert.ok(Math.abs(scale.fractionOf(90) - 1 / 3) < 1e-9);
    assert.ok(Math.abs(scale.fractionOf(99) - 2 / 3) < 1e-9);
    assert.equal(scale.fractionOf(100), 1);
    assert.deepEqual(
      scale.ticks.map(({ label }) => label),
      ["p0", "p50", "p90", "p99", "p99.9"],
    );
  });
});

describe("formatQuantity", () => {
  it("keeps three digits that count", () => {
    const texts = [0, 0.012345, 1.23456, 45.678, 1_234.5].map(formatQuantity);
    assert.deepEqual(texts, ["0", "0.0123", "1.23", "45.7", "1,235"]);
  });
});
