import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { ValueProblem } from "../../../../server/options/option-value.ts";
import { traceConfigKeys, traceConfigValue } from "../../../../server/options/trace-config-value.ts";
import { defaultTraceConfig, type TraceConfig } from "../../../../server/tracing/trace-config.ts";
import { traceLevel } from "../../../../server/tracing/trace-level.ts";

/** Reads settings one after the other, none of which may be wrong. */
function read(...settings: string[]): TraceConfig {
  let config = defaultTraceConfig;
  for (const setting of settings) {
    const result = traceConfigValue.read(setting, config);
    assert(!(result instanceof ValueProblem), result instanceof ValueProblem ? result.message : "");
    config = result;
  }
  return config;
}

function problem(setting: string): string {
  const result = traceConfigValue.read(setting, defaultTraceConfig);
  assert(result instanceof ValueProblem, setting);
  return result.message;
}

describe("traceConfigValue", () => {
  it("traceConfigValue reads every key", () => {
    const config = read(
      "mode=opentelemetry",
      "level=TIMESTAMPS",
      "rate=4294967295",
      "count=-1",
      "triton,file=a,b=c.json",
      "triton,log-frequency=50",
      "opentelemetry,url=https://collector:4318/v1/traces?a=b",
      "opentelemetry,resource=service.name=nereid",
      "opentelemetry,resource=empty=",
      "opentelemetry,bsp_max_queue_size=1",
      "opentelemetry,bsp_schedule_delay=0",
      "opentelemetry,bsp_max_export_batch_size=2",
    );
    assert.deepEqual(config, {
      mode: "opentelemetry",
      values: { level: traceLevel.timestamps, rate: 4_294_967_295, count: -1, logFrequency: 50 },
      filePath: "a,b=c.json",
      openTelemetry: {
        url: "https://collector:4318/v1/traces?a=b",
        resource: [
          ["service.name", "nereid"],
          ["empty", ""],
        ],
        maxQueueSize: 1,
        scheduleDelayMs: 0,
        maxExportBatchSize: 2,
      },
    });
    assert.equal(traceConfigKeys.length, 11);
  });

  it("traceConfigValue adds levels up, and OFF takes them back", () => {
    const both = traceLevel.timestamps | traceLevel.tensors;
    assert.equal(read("level=TIMESTAMPS", "level=TENSORS").values.level, both);
    assert.equal(read("level=TIMESTAMPS", "level=OFF", "level=TENSORS").values.level, traceLevel.tensors);
  });

  for (const [setting, message] of [
    ["level", 'expects [<mode>,]<key>=<value>, got "level"'],
    ["=1", 'expects [<mode>,]<key>=<value>, got "=1"'],
    ["level=MAX", 'expects OFF, TIMESTAMPS or TENSORS for level, got "MAX"'],
    ["rate=-1", 'expects an integer from 0 to 4294967295 for rate, got "-1"'],
    ["count=-2", 'expects an integer from -1 to 2147483647 for count, got "-2"'],
    ["mode=jaeger", 'expects triton or opentelemetry for mode, got "jaeger"'],
    ["triton,file=", 'expects a path for file, got ""'],
    ["opentelemetry,url=nowhere", 'expects an http or https URL for url, got "nowhere"'],
    ["opentelemetry,url=ftp://x", 'expects an http or https URL for url, got "ftp://x"'],
    ["opentelemetry,resource==x", 'expects <key>=<value> for resource, got "=x"'],
    ["opentelemetry,bsp_max_queue_size=0", /^expects an integer from 1 /],
    ["rates=1", 'names unknown key "rates", did you mean rate? (known: mode, level, rate, count)'],
    ["file=x", 'names unknown key "file" (known: mode, level, rate, count)'],
    ["triton,fil=x", /^names unknown key "fil" of trace mode triton, did you mean file\?/],
    ["tritn,file=x", /^names unknown trace mode "tritn", did you mean triton\?/],
  ] as const) {
    it(`(row 182) traceConfigValue refuses ${setting}`, () => {
      if (typeof message === "string") assert.equal(problem(setting), message);
      else assert.match(problem(setting), message);
    });
  }
});
