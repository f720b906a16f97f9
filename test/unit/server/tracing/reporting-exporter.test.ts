import assert from "node:assert/strict";
import { InMemorySpanExporter } from "@opentelemetry/sdk-trace-base";
import { describe, it } from "mocha";
import { ReportingExporter } from "../../../../server/tracing/reporting-exporter.ts";
import { LogRecorder } from "../../../helpers/log-recorder.ts";

type ExportArguments = Parameters<InMemorySpanExporter["export"]>;

/** Fails while it is told to. */
class UnsteadyExporter extends InMemorySpanExporter {
  isFailing = false;
  readonly #stopped = new InMemorySpanExporter();

  constructor() {
    super();
    void this.#stopped.shutdown();
  }

  override export(...args: ExportArguments): void {
    if (this.isFailing) this.#stopped.export(...args);
    else super.export(...args);
  }
}

describe("ReportingExporter", () => {
  it("ReportingExporter logs the first of several failures, and the recovery", async () => {
    const log = new LogRecorder();
    const unsteady = new UnsteadyExporter();
    const exporter = new ReportingExporter(unsteady, "http://collector", log.logger);
    const results: number[] = [];
    for (const isFailing of [true, true, false, false, true]) {
      unsteady.isFailing = isFailing;
      results.push(await new Promise((resolve) => exporter.export([], ({ code }) => resolve(code))));
    }
    assert.deepEqual(results, [1, 1, 0, 0, 1]);
    const errors = log.ofSeverity("E");
    assert.equal(errors.length, 2);
    assert.match(errors[0] ?? "", /http:\/\/collector and are lost: .*stopped/);
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
