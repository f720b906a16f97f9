import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { wallClockUs } from "../../../../server/logging/wall-clock.ts";

describe("wallClockUs", () => {
  it("wallClockUs is whole microseconds, near Date.now", () => {
    const before = Date.now();
    const us = wallClockUs();
    const after = Date.now();
    assert(Number.isSafeInteger(us));
    assert(us >= (before - 3) * 1_000 && us <= (after + 4) * 1_000, `${us} outside ${before}..${after} ms`);
  });

  it("wallClockUs follows a correction of the system's time", () => {
    const realNow = Date.now;
    try {
      Date.now = () => realNow() + 3_600_000;
      assert(Math.abs(wallClockUs() - (realNow() + 3_600_000) * 1_000) < 5_000);
    } finally {
      Date.now = realNow;
    }
    assert(Math.abs(wallClockUs() - realNow() * 1_000) < 5_000);
  });
});
