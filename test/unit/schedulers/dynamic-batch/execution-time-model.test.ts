import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { ExecutionTimeModel } from "../../../../schedulers/dynamic-batch/execution-time-model.ts";

function modelOf(...known: (readonly [rows: number, executionUs: number])[]): ExecutionTimeModel {
  const model = new ExecutionTimeModel(1_000);
  for (const [rows, executionUs] of known) model.learn(rows, executionUs, 0);
  return model;
}

describe("ExecutionTimeModel", () => {
  it("knows nothing at first", () => {
    assert.equal(modelOf().boundUs(4, 0), 0);
  });

  it("knows what it saw", () => {
    const model = modelOf([4, 400], [1, 100], [8, 500]);
    assert.deepEqual(
      [1, 4, 8].map((rows) => model.boundUs(rows, 0)),
      [100, 400, 500],
    );
  });

  it("draws lines between sizes and beyond them", () => {
    const model = modelOf([2, 200], [6, 400]);
    assert.equal(model.boundUs(1, 0), 200);
    assert.equal(model.boundUs(4, 0), 300);
    assert.equal(model.boundUs(12, 0), 700);
    // Noise may make a larger batch look cheaper; it will not go on like that.
    assert.equal(modelOf([2, 200], [6, 150]).boundUs(12, 0), 150);
  });

  it("follows changes, and expects more where times vary", () => {
    const steady = modelOf(...new Array<readonly [number, number]>(50).fill([1, 100]));
    assert.equal(steady.boundUs(1, 0), 100);
    const varying = modelOf(...Array.from({ length: 50 }, (_, i) => [1, i % 2 === 0 ? 50 : 150] as const));
    assert.ok(varying.boundUs(1, 0) > 150);
    for (let i = 0; i < 60; i++) steady.learn(1, 300, 0);
    assert.ok(Math.abs(steady.boundUs(1, 0) - 300) < 1);
  });

  it("forgets when nothing was learnt for long", () => {
    const model = modelOf([1, 100], [2, 150]);
    assert.equal(model.boundUs(1, 1_000), 100);
    assert.equal(model.boundUs(1, 1_001), 0);
    model.learn(1, 70, 2_000);
    assert.equal(model.boundUs(2, 2_000), 70);
  });
});
