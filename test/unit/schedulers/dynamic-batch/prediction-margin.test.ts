import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { PredictionMargin } from "../../../../schedulers/dynamic-batch/prediction-margin.ts";

describe("PredictionMargin", () => {
  it("is nothing as long as nothing comes later than predicted", () => {
    const margin = new PredictionMargin(1_000);
    for (let i = 0; i < 100; i++) margin.learn(-50);
    assert.equal(margin.us, 0);
  });

  it("comes to where all but a few errors are below it", () => {
    const margin = new PredictionMargin(1_000);
    let missed = 0;
    // Errors from 0 to 399, all equally often.
    for (let i = 0; i < 40_000; i++) {
      const errorUs = (i * 7_919) % 400;
      if (i >= 10_000 && errorUs > margin.us) missed++;
      margin.learn(errorUs);
    }
    assert.ok(missed / 30_000 < 0.01, String(missed));
    assert.ok(margin.us > 300 && margin.us < 500, String(margin.us));
  });

  it("never exceeds its limit, and comes back down", () => {
    const margin = new PredictionMargin(1_000);
    const learn = (errorUs: number, count: number): number => {
      for (let i = 0; i < count; i++) margin.learn(errorUs);
      return margin.us;
    };
    assert.equal(learn(10_000, 100), 1_000);
    assert.ok(learn(0, 10_000) < 100);
  });
});
