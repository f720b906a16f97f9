import assert from "node:assert/strict";
import { InMemorySpanExporter, type ReadableSpan } from "@opentelemetry/sdk-trace-base";
import { describe, it } from "mocha";
import { failure } from "../../../../server/core/status.ts";
import { OpenTelemetrySink } from "../../../../server/tracing/open-telemetry-sink.ts";
import type { InferenceTrace } from "../../../../server/tracing/inference-trace.ts";
import type { SampledRequest } from "../../../../server/tracing/sampled-request.ts";
import { LogRecorder } from "../../../helpers/log-recorder.ts";
import { ManualClock } from "../../../helpers/manual-clock.ts";
import { makeRequest } from "../../../helpers/recorded-request.ts";
import { traceConfig, TracerBench } from "../../../helpers/traced-requests.ts";

/** Keeps the spans over the shutdown, unlike its base. */
class Exporter extends InMemorySpanExporter {
  readonly kept: ReadableSpan[] = [];

  override export(...[spans, done]: Parameters<InMemorySpanExporter["export"]>): void {
    this.kept.push(...spans);
    super.export(spans, done);
  }
}

const config = traceConfig({}, { mode: "opentelemetry" });

/** The spans of one request by name, made the way that the server makes them. */
async function spansOf(
  handle: (sampled: SampledRequest, clock: ManualClock) => void,
  headers: Record<string, string> = {},
): Promise<Record<string, ReadableSpan>> {
  const clock = new ManualClock();
  const exporter = new Exporter();
  const openTelemetry = { ...config.openTelemetry, resource: [["team", "vision"]] as const };
  const sink = new OpenTelemetrySink(openTelemetry, clock, new LogRecorder().logger, exporter);
  const bench = await TracerBench.open(config, clock);
  await bench.tracer.open(sink);
  const sampled = bench.sample("m", headers, "r");
  assert(sampled !== null);
  handle(sampled, clock);
  await bench.tracer.close(5000);
  return Object.fromEntries(exporter.kept.map((span) => [span.name, span]));
}

/** Lets a request be computed and answered. */
function compute(trace: InferenceTrace, clock: ManualClock): void {
  const { request } = makeRequest();
  request.requestStartUs = clock.nowUs();
  request.queueStartUs = clock.nowUs();
  clock.advance(10);
  request.computeStartUs = clock.nowUs();
  clock.advance(10);
  request.computeInputEndUs = clock.nowUs();
  request.computeOutputStartUs = clock.nowUs();
  clock.advance(10);
  request.computeEndUs = clock.nowUs();
  trace.onEnd(request);
}

function answer(sampled: SampledRequest, clock: ManualClock): void {
  compute(sampled.trace, clock);
  sampled.beginSending();
  clock.advance(10);
  sampled.endSending();
}

const eventNames = (span: ReadableSpan | undefined): string[] => span?.events.map(({ name }) => name) ?? [];

const durationUs = ({ startTime, endTime }: ReadableSpan): number =>
  Math.round((endTime[0] - startTime[0]) * 1e6 + (endTime[1] - startTime[1]) / 1e3);

describe("OpenTelemetrySink", () => {
  it("OpenTelemetrySink makes a span of the request, of the model and of the computation", async () => {
    const spans = await spansOf(answer);
    const { InferRequest: root, m: model, compute: computation } = spans;
    assert(root !== undefined && model !== undefined && computation !== undefined);
    assert.equal(Object.keys(spans).length, 3);
    assert.equal(root.parentSpanContext, undefined);
    assert.equal(model.parentSpanContext?.spanId, root.spanContext().spanId);
    assert.equal(computation.parentSpanContext?.spanId, model.spanContext().spanId);
    assert.deepEqual(eventNames(root), [
      "HTTP_RECV_START",
      "HTTP_RECV_END",
      "HTTP_SEND_START",
      "HTTP_SEND_END",
    ]);
    assert.deepEqual(eventNames(model), ["REQUEST_START", "QUEUE_START", "REQUEST_END"]);
    assert.deepEqual(eventNames(computation), [
      "COMPUTE_START",
      "COMPUTE_INPUT_END",
      "COMPUTE_OUTPUT_START",
      "COMPUTE_END",
    ]);
    assert.deepEqual([durationUs(root), durationUs(model), durationUs(computation)], [40, 30, 20]);
    assert.deepEqual(model.attributes, {
      "triton.model_name": "m",
      "triton.model_version": 1,
      "triton.trace_id": 1,
      "triton.request_id": "r",
    });
    assert.deepEqual(root.attributes, {});
  });

  it("OpenTelemetrySink has times of the wall clock", async () => {
    const before = Date.now() / 1000;
    const { InferRequest: root } = await spansOf(answer);
    assert(root !== undefined);
    assert(Math.abs(root.startTime[0] - before) < 10, String(root.startTime));
  });

  it("OpenTelemetrySink names the service, and takes over resource attributes", async () => {
    const { m } = await spansOf(answer);
    assert.equal(m?.resource.attributes["service.name"], "triton-inference-server");
    assert.equal(m.resource.attributes["team"], "vision");
  });

  it("(row 176) OpenTelemetrySink makes the request a child of the client's span", async () => {
    const traceId = "0af7651916cd43dd8448eb211c80319c";
    const { InferRequest: root, compute: computation } = await spansOf(answer, {
      traceparent: `00-${traceId}-b7ad6b7169203331-00`,
      tracestate: "vendor=x",
    });
    assert.equal(root?.parentSpanContext?.spanId, "b7ad6b7169203331");
    assert.equal(root.spanContext().traceId, traceId);
    assert.equal(root.spanContext().traceState?.get("vendor"), "x");
    assert.equal(computation?.spanContext().traceId, traceId);
  });

  it("OpenTelemetrySink nests the spans of caused requests", async () => {
    const spans = await spansOf((sampled, clock) => {
      compute(sampled.trace.child("step", "2"), clock);
      answer(sampled, clock);
    });
    assert.equal(spans["step"]?.parentSpanContext?.spanId, spans["m"]?.spanContext().spanId);
    assert.equal(spans["step"]?.attributes["triton.trace_parent_id"], 1);
    assert.equal(spans["step"].attributes["triton.model_version"], 2);
  });

  it("OpenTelemetrySink shows failures, and no computation that was not", async () => {
    const spans = await spansOf((sampled, clock) => {
      const { request } = makeRequest();
      request.requestStartUs = clock.nowUs();
      request.trace = sampled.trace;
      request.fail(failure("UNAVAILABLE", "too late"));
      sampled.end();
    });
    assert.deepEqual(Object.keys(spans).sort(), ["InferRequest", "m"]);
    assert.deepEqual(spans["m"]?.status, { code: 2, message: "too late" });
  });

  it("OpenTelemetrySink describes a request that was refused in its only span", async () => {
    const spans = await spansOf((sampled) => sampled.end());
    assert.deepEqual(Object.keys(spans), ["InferRequest"]);
    assert.equal(spans["InferRequest"]?.attributes["triton.model_name"], "m");
  });
});
