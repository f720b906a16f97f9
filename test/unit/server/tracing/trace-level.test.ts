import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { namesOfTraceLevel, traceLevel, traceLevelBit } from "../../../../server/tracing/trace-level.ts";

describe("traceLevelBit", () => {
  it("traceLevelBit knows the three names, in capitals", () => {
    assert.equal(traceLevelBit("OFF"), traceLevel.off);
    assert.equal(traceLevelBit("TIMESTAMPS"), traceLevel.timestamps);
    assert.equal(traceLevelBit("TENSORS"), traceLevel.tensors);
    assert.equal(traceLevelBit("tensors"), undefined);
  });
});

describe("namesOfTraceLevel", () => {
  it("namesOfTraceLevel names every bit, and none OFF", () => {
    assert.deepEqual(namesOfTraceLevel(traceLevel.off), ["OFF"]);
    assert.deepEqual(namesOfTraceLevel(traceLevel.tensors), ["TENSORS"]);
    assert.deepEqual(namesOfTraceLevel(traceLevel.timestamps | traceLevel.tensors), [
      "TIMESTAMPS",
      "TENSORS",
    ]);
  });
});
