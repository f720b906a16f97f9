import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { ValueProblem } from "../../../../server/options/option-value.ts";
import { traceConfigValue } from "../../../../server/options/trace-config-value.ts";
import { deprecatedTraceOptions, traceDefaultsFrom } from "../../../../server/options/trace-options.ts";
import { defaultTraceConfig } from "../../../../server/tracing/trace-config.ts";

describe("deprecatedTraceOptions", () => {
  it("deprecatedTraceOptions mean settings that exist", () => {
    for (const setting of deprecatedTraceOptions.values()) {
      const result = traceConfigValue.read(`${setting}=`, defaultTraceConfig);
      assert(!(result instanceof ValueProblem) || result.message.startsWith("expects"), setting);
    }
  });
});

describe("traceDefaultsFrom", () => {
  it("traceDefaultsFrom gives the defaults for an empty environment", () => {
    assert.deepEqual(traceDefaultsFrom({}), { config: defaultTraceConfig, problem: null });
  });

  it("traceDefaultsFrom keeps the good variables beside a bad one", () => {
    const { config, problem } = traceDefaultsFrom({
      OTEL_BSP_MAX_QUEUE_SIZE: "none",
      OTEL_BSP_SCHEDULE_DELAY: "7",
    });
    assert.equal(config.openTelemetry.scheduleDelayMs, 7);
    assert.match(problem ?? "", /^Environment variable OTEL_BSP_MAX_QUEUE_SIZE expects/);
  });
});
