import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { traceLevel } from "../../../../server/tracing/trace-level.ts";
import { TraceSettings } from "../../../../server/tracing/trace-settings.ts";
import { traceConfig } from "../../../helpers/traced-requests.ts";

/** Level OFF at the start. */
function make(): TraceSettings {
  return new TraceSettings(traceConfig({ level: traceLevel.off, rate: 1000 }));
}

describe("TraceSettings", () => {
  it("TraceSettings reports in the order and the spelling of the protocol", () => {
    const report = make().report("");
    assert.deepEqual(Object.entries(report), [
      ["trace_level", ["OFF"]],
      ["trace_rate", "1000"],
      ["trace_count", "-1"],
      ["log_frequency", "0"],
      ["trace_file", "trace.json"],
      ["trace_mode", "triton"],
    ]);
  });

  it("TraceSettings reports the collector in mode opentelemetry", () => {
    const config = traceConfig({}, { mode: "opentelemetry" });
    const openTelemetry = { ...config.openTelemetry, resource: [["a", "b=c"]] as const };
    assert.deepEqual(new TraceSettings({ ...config, openTelemetry }).report(""), {
      trace_level: ["TIMESTAMPS"],
      trace_rate: "1",
      trace_count: "-1",
      trace_mode: "opentelemetry",
      url: "http://localhost:4318/v1/traces",
      resource: ["a=b=c"],
      bsp_max_queue_size: "2048",
      bsp_schedule_delay: "5000",
      bsp_max_export_batch_size: "512",
    });
  });

  it("(row 173) TraceSettings gives a model the global value back for null, and the start's globally", () => {
    const settings = make();
    assert.equal(settings.change("", { rate: 20 }), null);
    assert.equal(settings.change("m", { rate: 5, count: 7 }), null);
    assert.equal(settings.report("m")["trace_rate"], "5");
    assert.equal(settings.change("m", { rate: null }), null);
    assert.deepEqual([settings.report("m")["trace_rate"], settings.report("m")["trace_count"]], ["20", "7"]);
    assert.equal(settings.change("", { rate: null }), null);
    assert.equal(settings.report("")["trace_rate"], "1000");
    assert.equal(settings.report("m")["trace_rate"], "1000");
  });

  it("TraceSettings re-applies global changes to what a model has not set", () => {
    const settings = make();
    settings.change("m", { rate: 5 });
    settings.change("", { rate: 2, count: 9, level: traceLevel.timestamps });
    assert.deepEqual(settings.report("m"), { ...settings.report(""), trace_rate: "5" });
    assert.equal(settings.report("other")["trace_rate"], "2");
  });

  it("TraceSettings takes a model without values of its own for one without a setting", () => {
    const settings = make();
    settings.change("m", { rate: 5 });
    assert.notEqual(settings.of("m"), settings.of(""));
    settings.change("m", { rate: null });
    assert.equal(settings.of("m"), settings.of(""));
  });

  it("TraceSettings refuses what could not trace, and changes nothing then", () => {
    const settings = make();
    const on = traceLevel.timestamps;
    settings.change("m", { level: on });
    const refusal = settings.change("", { rate: 0, count: 3 });
    assert.equal(refusal?.code, "INVALID_ARG");
    assert.match(refusal.message, /^Attempting to set invalid trace setting of model 'm': .*rate/);
    assert.equal(settings.report("")["trace_count"], "-1");
    assert.match(
      settings.change("m", { rate: 0 })?.message ?? "",
      /^Attempting to set invalid trace setting: /,
    );
    assert.equal(settings.report("m")["trace_rate"], "1000");
  });

  it("TraceSettings refuses to trace without a file, or tensors for a collector", () => {
    const noFile = new TraceSettings(traceConfig({ level: traceLevel.off }, { filePath: "" }));
    const level = traceLevel.timestamps;
    assert.match(
      noFile.change("", { level })?.message ?? "",
      /invalid trace setting: the trace file name is not/,
    );
    assert.equal(noFile.change("", { level: traceLevel.off, rate: 3 }), null);
    const collector = new TraceSettings(traceConfig({}, { mode: "opentelemetry" }));
    assert.match(collector.change("", { level: traceLevel.tensors })?.message ?? "", /TENSORS needs/);
    assert.equal(collector.change("", { rate: 0 }), null);
  });

  it("TraceSettings keeps what is left of a count over other changes", () => {
    const settings = new TraceSettings(traceConfig({ count: 3 }));
    settings.change("m", { count: 5 });
    settings.of("").sample(false);
    settings.of("m").sample(false);
    settings.of("m").sample(false);
    settings.change("", { rate: 2 });
    settings.change("m", { rate: 1 });
    assert.deepEqual([settings.report("")["trace_count"], settings.report("m")["trace_count"]], ["2", "3"]);
    settings.change("m", { count: null });
    assert.equal(settings.report("m")["trace_count"], "2");
  });

  it("TraceSettings tells whether anything may be traced", () => {
    const settings = make();
    assert.equal(settings.canTrace(), false);
    settings.change("m", { level: traceLevel.timestamps, rate: 1, count: 1 });
    assert.equal(settings.canTrace(), true);
    settings.of("m").sample(false);
    assert.equal(settings.canTrace(), false);
    const collector = new TraceSettings(traceConfig({ rate: 0 }, { mode: "opentelemetry" }));
    assert.equal(collector.canTrace(), true);
  });
});
