import assert from "node:assert/strict";
import { InMemorySpanExporter } from "@opentelemetry/sdk-trace-base";
import { describe, it } from "mocha";
import { ReportingExporter } from "../../../../server/tracing/reporting-exporter.ts";
import { LogRecorder } from "../../../helpers/log-recorder.ts";

type ExportArguments = Parameters<InMemorySpanExporter["export"]>;

/** Answers every export with the next of its results. */
class ScriptedExporter extends InMemorySpanExporter {
  readonly results: Parameters<ExportArguments[1]>[0][] = [];

  override export(...[, done]: ExportArguments): void {
    const result = this.results.shift();
    if (result !== undefined) done(result);
  }
}

describe("ReportingExporter", () => {
  it("ReportingExporter logs the first of several failures, and the recovery", () => {
    const log = new LogRecorder();
    const scripted = new ScriptedExporter();
    const exporter = new ReportingExporter(scripted, "http://collector", log.logger);
    const refused = { code: 1, error: new Error("refused") };
    scripted.results.push(refused, { code: 1 }, { code: 0 }, { code: 0 }, { code: 1 });
    const results: number[] = [];
    for (let i = 0; i < 5; i++) exporter.export([], ({ code }) => results.push(code));
    assert.deepEqual(results, [1, 1, 0, 0, 1]);
    const errors = log.ofSeverity("E");
    assert.equal(errors.length, 2);
    assert.match(errors[0] ?? "", /http:\/\/collector and are lost: refused/);
    assert.equal(log.ofSeverity("I").length, 1);
  });

  it("ReportingExporter passes shutdown and flush on", async () => {
    const inner = new InMemorySpanExporter();
    const exporter = new ReportingExporter(inner, "x", new LogRecorder().logger);
    await exporter.forceFlush();
    await exporter.shutdown();
    let code = -1;
    inner.export([], (result) => (code = result.code));
    assert.equal(code, 1);
  });
});
