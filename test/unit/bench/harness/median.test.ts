import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { median, quantile } from "../../../../bench/harness/median.ts";

describe("median", () => {
  it("is the middle of an odd number of values, whatever their order", () => {
    assert.equal(median([30, 1, 200]), 30);
  });

  it("is the mean of the two middle values of an even number", () => {
    assert.equal(median([4, 1, 3, 2]), 2.5);
  });

  it("leaves the values as they are", () => {
    const values = [3, 1, 2];
    median(values);
    assert.deepEqual(values, [3, 1, 2]);
  });

  it("refuses to invent a value", () => {
    assert.throws(() => median([]), /No values/);
  });
});

describe("quantile", () => {
  it("interpolates between neighbours", () => {
    assert.equal(quantile([0, 10, 20, 30, 40], 0.9), 36);
    assert.equal(quantile([0, 10, 20, 30, 40], 1), 40);
  });
});
