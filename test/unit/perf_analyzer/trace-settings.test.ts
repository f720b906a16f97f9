import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { traceSettingsOf } from "../../../perf_analyzer/trace-settings.ts";

const none = { traceLevels: [], traceRate: null, traceCount: null, traceLogFrequency: null };

describe("traceSettingsOf", () => {
  it("asks for nothing unless an option is given", () => {
    assert.equal(traceSettingsOf(none), null);
  });

  it("completes what is given with the defaults of Triton's tool", () => {
    assert.deepEqual(traceSettingsOf({ ...none, traceLevels: ["TIMESTAMPS", "TENSORS"], traceRate: 5 }), {
      trace_level: ["TIMESTAMPS", "TENSORS"],
      trace_rate: ["5"],
      trace_count: ["-1"],
      log_frequency: ["0"],
    });
    assert.deepEqual(traceSettingsOf({ ...none, traceCount: 7 })?.["trace_level"], ["OFF"]);
  });
});
