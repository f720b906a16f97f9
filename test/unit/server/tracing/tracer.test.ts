import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { traceLevel } from "../../../../server/tracing/trace-level.ts";
import { Tracer } from "../../../../server/tracing/tracer.ts";
import { LogRecorder } from "../../../helpers/log-recorder.ts";
import { ManualClock } from "../../../helpers/manual-clock.ts";
import { traceConfig, TracerBench } from "../../../helpers/traced-requests.ts";

const traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

describe("Tracer", () => {
  it("Tracer is inactive before it is open, while nothing traces, and after its end", async () => {
    const tracer = new Tracer({
      config: traceConfig(),
      logger: new LogRecorder().logger,
      clock: new ManualClock(),
    });
    assert.equal(tracer.isActive, false);
    const bench = await TracerBench.open(traceConfig({ level: traceLevel.off }));
    assert.equal(bench.tracer.isActive, false);
    bench.tracer.changeSettings("m", [{ name: "trace_level", values: ["TIMESTAMPS"] }]);
    assert.equal(bench.tracer.isActive, true);
    await bench.tracer.close(1000);
    assert.deepEqual([bench.tracer.isActive, bench.sink.isClosed], [false, true]);
    assert.equal(bench.sample(), null);
  });

  it("Tracer becomes inactive with the last request that the count allows", async () => {
    const bench = await TracerBench.open(traceConfig({ rate: 2, count: 1 }));
    assert.deepEqual(bench.sampledOf(2), [2]);
    assert.equal(bench.tracer.isActive, false);
    bench.tracer.changeSettings("", [{ name: "trace_count", values: ["1"] }]);
    assert.equal(bench.tracer.isActive, true);
  });

  it("Tracer samples each model by its own setting", async () => {
    const bench = await TracerBench.open(traceConfig({ rate: 3 }));
    bench.tracer.changeSettings("own", [{ name: "trace_rate", values: ["2"] }]);
    assert.deepEqual(bench.sampledOf(6, "own"), [2, 4, 6]);
    assert.deepEqual(bench.sampledOf(4, "a"), [3]);
    // The global setting counts the requests of all models that have none of their own.
    assert.deepEqual(bench.sampledOf(4, "b"), [2]);
  });

  it("(row 172) Tracer changes all settings of a request or none", async () => {
    const bench = await TracerBench.open();
    const before = bench.tracer.settings("");
    const refusal = bench.tracer.changeSettings("", [
      { name: "trace_rate", values: ["7"] },
      { name: "trace_file", values: ["x"] },
    ]);
    assert.equal("code" in refusal && refusal.code, "UNSUPPORTED");
    assert.deepEqual(bench.tracer.settings(""), before);
  });

  it("Tracer logs levels that it passes over", async () => {
    const bench = await TracerBench.open();
    bench.tracer.changeSettings("", [{ name: "trace_level", values: ["MAX"] }]);
    assert.match(bench.log.ofSeverity("W").join(), /MAX.* was passed over/);
    assert.deepEqual(bench.tracer.settings("")["trace_level"], ["OFF"]);
  });

  it("(row 176) Tracer samples whatever a client traces, in mode opentelemetry", async () => {
    const bench = await TracerBench.open(traceConfig({ rate: 0 }, { mode: "opentelemetry" }));
    assert.equal(bench.tracer.isActive, true);
    assert.equal(bench.sample("m"), null);
    const sampled = bench.sample("m", { traceparent, tracestate: "a=b" });
    assert.equal(sampled?.arrival.parent?.spanId, "b7ad6b7169203331");
    assert.equal(sampled.arrival.parent.traceState, "a=b");
  });

  it("Tracer pays no attention to the headers in mode triton", async () => {
    const bench = await TracerBench.open(traceConfig({ rate: 2 }));
    assert.equal(bench.sample("m", { traceparent }), null);
    assert.equal(bench.sample("m", { traceparent })?.arrival.parent, null);
  });

  it("Tracer numbers traces from 1, and hands each to the sink once", async () => {
    const bench = await TracerBench.open();
    const first = bench.sample();
    const second = bench.sample();
    assert.deepEqual([first?.trace.id, second?.trace.id], [1, 2]);
    second?.beginSending();
    second?.endSending();
    second?.end();
    first?.end();
    assert.deepEqual(bench.sink.sampled, [second, first]);
  });

  it("Tracer gives up on a sink that does not close in time", async () => {
    const bench = await TracerBench.open();
    bench.sink.close = () => new Promise(() => undefined);
    await bench.tracer.close(1);
    assert.match(bench.log.ofSeverity("E").join(), /could not be written before the exit timeout/);
  });
});
