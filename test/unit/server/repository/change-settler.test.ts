import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { ChangeSettler } from "../../../../server/repository/change-settler.ts";
import { ManualClock } from "../../../helpers/manual-clock.ts";

describe("ChangeSettler", () => {
  it("waits until something has looked the same for the whole time", () => {
    const clock = new ManualClock();
    const settler = new ChangeSettler(clock, 100);
    assert.equal(settler.isSettled("m", "a"), false);
    clock.advance(99_000);
    assert.equal(settler.isSettled("m", "a"), false);
    clock.advance(1_000);
    assert.equal(settler.isSettled("m", "b"), false);
    clock.advance(100_000);
    assert.ok(settler.isWaiting);
    assert.equal(settler.isSettled("m", "b"), true);
    assert.ok(!settler.isWaiting);
    assert.equal(settler.isSettled("m", "b"), false);
  });

  it("asks about each key on its own, and forgets those that need nothing", () => {
    const clock = new ManualClock();
    const settler = new ChangeSettler(clock, 100);
    settler.isSettled("m", "a");
    clock.advance(60_000);
    settler.isSettled("n", "a");
    clock.advance(60_000);
    assert.equal(settler.isSettled("m", "a"), true);
    assert.equal(settler.isSettled("n", "a"), false);
    settler.keepOnly(new Set(["other"]));
    assert.ok(!settler.isWaiting);
    assert.equal(settler.isSettled("n", "a"), false);
  });

  it("knows how long something has not come to rest, however often it has changed", () => {
    const clock = new ManualClock();
    const settler = new ChangeSettler(clock, 100);
    assert.equal(settler.waitedUs("m"), 0);
    for (const look of ["a", "b", "c"]) {
      settler.isSettled("m", look);
      clock.advance(70_000);
    }
    assert.equal(settler.waitedUs("m"), 210_000);
    clock.advance(30_000);
    assert.equal(settler.isSettled("m", "c"), true);
    assert.equal(settler.waitedUs("m"), 0);
  });

  it("needs one look without a time", () => {
    assert.equal(new ChangeSettler(new ManualClock(), 0).isSettled("m", "a"), true);
  });
});
