import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { InferenceResponse } from "../../../../server/core/inference-response.ts";
import { failure } from "../../../../server/core/status.ts";
import { InferenceTrace, type TraceContext } from "../../../../server/tracing/inference-trace.ts";
import { traceLevel } from "../../../../server/tracing/trace-level.ts";
import { ManualClock } from "../../../helpers/manual-clock.ts";
import { fp32Tensor, makeRequest } from "../../../helpers/recorded-request.ts";

const subject = { modelName: "m", modelVersion: "1", requestId: "r" };

class Context implements TraceContext {
  readonly clock = new ManualClock();
  #id = 0;

  nowUs(): number {
    return this.clock.nowUs();
  }

  nextId(): number {
    return ++this.#id;
  }
}

function response(...names: string[]): InferenceResponse {
  return new InferenceResponse({
    modelName: "m",
    modelVersion: "1",
    id: "r",
    outputs: names.map((name) => fp32Tensor(name, [1], [2])),
    parameters: null,
    buffer: null,
  });
}

function traced(level: number) {
  const context = new Context();
  const trace = new InferenceTrace(context, level, subject);
  const { request } = makeRequest({ inputs: [fp32Tensor("IN", [2], [1, 2])] });
  request.trace = trace;
  return { context, trace, request };
}

const names = (trace: InferenceTrace): string[] => trace.timestamps.map(({ name }) => name);

describe("InferenceTrace", () => {
  it("InferenceTrace notes every point of a request that was computed", () => {
    const { trace, request } = traced(traceLevel.timestamps);
    request.requestStartUs = 1;
    request.queueStartUs = 2;
    request.computeStartUs = 3;
    request.computeInputEndUs = 4;
    request.computeOutputStartUs = 5;
    request.computeEndUs = 6;
    request.complete(response("OUT"));
    assert.deepEqual(trace.timestamps, [
      { name: "REQUEST_START", timeUs: 1 },
      { name: "QUEUE_START", timeUs: 2 },
      { name: "COMPUTE_START", timeUs: 3 },
      { name: "COMPUTE_INPUT_END", timeUs: 4 },
      { name: "COMPUTE_OUTPUT_START", timeUs: 5 },
      { name: "COMPUTE_END", timeUs: 6 },
      { name: "INFER_RESPONSE_COMPLETE", timeUs: 1_000_000 },
      { name: "REQUEST_END", timeUs: 1_000_000 },
    ]);
    assert.deepEqual(trace.tensors, []);
    assert.equal(trace.failure, null);
  });

  it("InferenceTrace leaves out what a failed request never reached", () => {
    const { trace, request } = traced(traceLevel.timestamps);
    request.requestStartUs = 1;
    request.queueStartUs = 1;
    const cause = failure("UNAVAILABLE", "too late");
    request.fail(cause);
    assert.deepEqual(names(trace), [
      "REQUEST_START",
      "QUEUE_START",
      "INFER_RESPONSE_COMPLETE",
      "REQUEST_END",
    ]);
    assert.equal(trace.failure, cause);
  });

  it("InferenceTrace notes each response of a decoupled model, in the order of time", () => {
    const { context, trace, request } = traced(traceLevel.timestamps);
    request.respond(response("A"));
    context.clock.advance(10);
    request.respondFailure(failure("INTERNAL", "one of them"));
    request.computeEndUs = 1_000_005;
    request.end();
    assert.deepEqual(names(trace), [
      "INFER_RESPONSE_COMPLETE",
      "COMPUTE_END",
      "INFER_RESPONSE_COMPLETE",
      "REQUEST_END",
    ]);
    assert.equal(trace.failure?.message, "one of them");
  });

  it("InferenceTrace copies inputs and outputs, whose memory is used again", () => {
    const { trace, request } = traced(traceLevel.tensors);
    trace.onQueued(request);
    const answer = response("A", "B");
    request.complete(answer);
    for (const tensor of [...request.inputs, ...answer.outputs]) tensor.data.fill(0xff);
    const seen = trace.tensors.map(({ activity, name, bytes }) => [activity, name, bytes.readFloatLE(0)]);
    assert.deepEqual(seen, [
      ["TENSOR_QUEUE_INPUT", "IN", 1],
      ["TENSOR_BACKEND_OUTPUT", "A", 2],
      ["TENSOR_BACKEND_OUTPUT", "B", 2],
    ]);
    assert.deepEqual(trace.timestamps, []);
  });

  it("InferenceTrace copies no tensor at level TIMESTAMPS", () => {
    const { trace, request } = traced(traceLevel.timestamps);
    trace.onQueued(request);
    assert.deepEqual(trace.tensors, []);
  });

  it("InferenceTrace links the traces of the requests that it causes", () => {
    const { trace } = traced(traceLevel.timestamps);
    const step = trace.child("step", "2");
    const inner = step.child("inner", "1");
    assert.deepEqual(
      [trace, step, inner].map(({ id, parentId }) => [id, parentId]),
      [
        [1, 0],
        [2, 1],
        [3, 2],
      ],
    );
    assert.deepEqual(step.subject, { modelName: "step", modelVersion: "2", requestId: "r" });
    assert.deepEqual([trace.children, step.children], [[step], [inner]]);
    assert.equal(step.hasTimestamps, true);
  });
});
