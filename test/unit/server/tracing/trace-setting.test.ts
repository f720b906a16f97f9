import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { traceLevel } from "../../../../server/tracing/trace-level.ts";
import { TraceSetting } from "../../../../server/tracing/trace-setting.ts";
import type { TraceValues } from "../../../../server/tracing/trace-config.ts";

function make(values: Partial<TraceValues>): TraceSetting {
  return new TraceSetting("", {
    level: traceLevel.timestamps,
    rate: 1,
    count: -1,
    logFrequency: 0,
    ...values,
  });
}

/** The numbers of the requests that are sampled, of so many. */
function sampled(setting: TraceSetting, count: number): number[] {
  return Array.from({ length: count }, (_, index) => index + 1).filter(() => setting.sample(false));
}

describe("TraceSetting", () => {
  it("(row 174) TraceSetting samples each so many-th request", () => {
    assert.deepEqual(sampled(make({ rate: 6 }), 20), [6, 12, 18]);
    assert.deepEqual(sampled(make({ rate: 9 }), 20), [9, 18]);
    assert.deepEqual(sampled(make({ rate: 1 }), 3), [1, 2, 3]);
  });

  it("TraceSetting stops when its count is used up, and says what is left", () => {
    const setting = make({ rate: 2, count: 2 });
    assert.deepEqual(sampled(setting, 3), [2]);
    assert.equal(setting.current.count, 1);
    assert.equal(setting.isSampling, true);
    assert.deepEqual(sampled(setting, 5), [1]);
    assert.equal(setting.current.count, 0);
    assert.equal(setting.isSampling, false);
  });

  it("TraceSetting samples nothing at level OFF, not even what is forced", () => {
    const setting = make({ level: traceLevel.off });
    assert.equal(setting.sample(false), false);
    assert.equal(setting.sample(true), false);
    assert.deepEqual([setting.isOff, setting.isSampling], [true, false]);
  });

  it("TraceSetting samples what is forced, whatever rate and count say", () => {
    const never = make({ rate: 0 });
    assert.deepEqual([never.sample(true), never.sample(false)], [true, false]);
    const usedUp = make({ count: 0 });
    assert.deepEqual([usedUp.sample(true), usedUp.sample(false)], [true, false]);
    const rare = make({ rate: 3, count: 1 });
    assert.equal(rare.sample(true), true);
    assert.equal(rare.current.count, 1);
    assert.deepEqual(sampled(rare, 2), [2]);
    assert.equal(rare.current.count, 0);
  });

  it("TraceSetting is exhausted when the last trace has been collected", () => {
    const setting = make({ count: 2 });
    sampled(setting, 5);
    assert.equal(setting.isExhausted, false);
    setting.collect();
    assert.equal(setting.isExhausted, false);
    setting.collect();
    assert.equal(setting.isExhausted, true);
  });

  it("TraceSetting without a count is never exhausted", () => {
    const setting = make({});
    sampled(setting, 1);
    setting.collect();
    assert.equal(setting.isExhausted, false);
  });
});
