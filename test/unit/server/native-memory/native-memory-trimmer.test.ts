import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { NativeMemoryTrimmer } from "../../../../server/native-memory/native-memory-trimmer.ts";
import { ManualClock } from "../../../helpers/manual-clock.ts";

describe("NativeMemoryTrimmer", () => {
  function makeTrimmer() {
    const clock = new ManualClock();
    const calls: string[] = [];
    const thread = { trim: () => void calls.push("trim"), close: () => void calls.push("close") };
    return { clock, calls, trimmer: new NativeMemoryTrimmer(clock, thread) };
  }

  it("trims once after releases that are close together, and again after later ones", () => {
    const { clock, calls, trimmer } = makeTrimmer();
    trimmer.onRelease();
    clock.advance(150_000);
    trimmer.onRelease();
    assert.deepEqual(calls, []);
    clock.advance(50_000);
    assert.deepEqual(calls, ["trim"], "releases that go on do not put it off");
    clock.advance(1_000_000);
    assert.deepEqual(calls, ["trim"]);
    trimmer.onRelease();
    clock.advance(200_000);
    assert.deepEqual(calls, ["trim", "trim"]);
  });

  it("does not trim before anything was released", () => {
    const { clock, calls } = makeTrimmer();
    clock.advance(10_000_000);
    assert.deepEqual(calls, []);
  });

  it("trims no more once it is closed, and ends its thread", () => {
    const { clock, calls, trimmer } = makeTrimmer();
    trimmer.onRelease();
    trimmer.close();
    trimmer.onRelease();
    clock.advance(1_000_000);
    assert.deepEqual(calls, ["close"]);
    assert.equal(clock.timerCount, 0);
  });
});
