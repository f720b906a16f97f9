import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { fixedSchedule } from "../../../../perf_analyzer/infer-data/fixed-schedule.ts";

const at = (...times: (number | null)[]) =>
  times.map((timestampMs) => ({ inputs: new Map<string, never>(), expected: null, timestampMs }));

describe("fixedSchedule", () => {
  it("takes the times of all entries in µs", () => {
    assert.deepEqual(fixedSchedule([at(0, 2.5), at(2.5, 10)], false), [0, 2_500, 2_500, 10_000]);
  });

  it("refuses entries without a time, times that go back, and several sequences", () => {
    assert.throws(() => fixedSchedule([at(0, null)], false), /entry 1 of --input-data has no "timestamp"/);
    assert.throws(
      () => fixedSchedule([at(0, 9, 8)], false),
      /entry 2 .* at 8 ms, before the one ahead of it at 9 ms/,
    );
    assert.throws(() => fixedSchedule([at(0), at(1)], true), /needs one sequence/);
  });
});
