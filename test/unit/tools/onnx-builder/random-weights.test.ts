import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { bytesOf, randomWeights } from "../../../../tools/onnx-builder/random-weights.ts";

describe("randomWeights", () => {
  it("gives the same numbers for a seed on every machine", () => {
    assert.deepEqual(
      Array.from(randomWeights(1, 3, 1)),
      [-0.08824761211872101, -0.4500945806503296, 0.004182296805083752],
    );
  });

  it("fills its range evenly around zero", () => {
    const weights = randomWeights(0, 100_000, 2);
    const mean = weights.reduce((sum, weight) => sum + weight, 0) / weights.length;
    const square = weights.reduce((sum, weight) => sum + weight * weight, 0) / weights.length;
    assert.ok(Math.abs(mean) < 0.02, `mean ${mean}`);
    // The variance of an even spread over [-2, 2) is 4/3.
    assert.ok(Math.abs(square - 4 / 3) < 0.02, `mean square ${square}`);
    assert.ok(weights.every((weight) => Math.abs(weight) <= 2));
  });
});

describe("bytesOf", () => {
  it("is a view of the array's own part of its buffer", () => {
    const whole = Uint16Array.of(1, 2, 3, 4);
    const bytes = bytesOf(whole.subarray(1, 3));
    assert.deepEqual(bytes, Uint8Array.of(2, 0, 3, 0));
    bytes[0] = 9;
    assert.equal(whole[1], 9);
  });
});
