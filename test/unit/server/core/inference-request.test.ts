import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { describe, it } from "mocha";
import { type InferenceRequest, requestState } from "../../../../server/core/inference-request.ts";
import { InferenceResponse } from "../../../../server/core/inference-response.ts";
import { failure } from "../../../../server/core/status.ts";
import { makeRequest } from "../../../helpers/recorded-request.ts";

const response = new InferenceResponse({
  modelName: "m",
  modelVersion: "1",
  id: "",
  outputs: [],
  parameters: null,
  buffer: null,
});
const failed = failure("INTERNAL", "broke");

/** Writes down what happens to a request, in order. */
function observe(request: InferenceRequest): string[] {
  const events: string[] = [];
  request.observer = {
    onSuccess: ({ state }) => events.push(`success in state ${state}`),
    onFailed: (_, { message }, wasExecuting) => events.push(`failed: ${message}, executing: ${wasExecuting}`),
    onRequeued: () => events.push("queued again"),
  };
  return events;
}

describe("InferenceRequest", () => {
  it("begins as created, for the whole of a batch, with all outputs", () => {
    const { request } = makeRequest();
    assert.equal(request.state, requestState.created);
    assert.equal(request.outputMask, -1);
    assert.equal(request.isCancelled, false);
    assert.equal(request.holder, null);
  });

  it("goes back to its scheduler when it is rescheduled, open as before", () => {
    const { request, sink } = makeRequest();
    const events = observe(request);
    request.state = requestState.executing;
    request.rescheduler = {
      onRescheduled: (given) => events.push(`rescheduled, ${given.producer === null ? "no" : "a"} producer`),
      onHeld: () => events.push("held"),
    };
    request.hold();
    request.reschedule();
    assert.deepEqual([events, sink.answerCount], [["held", "rescheduled, no producer"], 0]);
    request.complete(response);
    assert.equal(request.rescheduler, null);
    assert.throws(() => request.reschedule(), /answered twice/);
  });

  it("fails when it is rescheduled under a scheduler that does no such thing (row 150)", () => {
    const { request, sink } = makeRequest();
    request.state = requestState.executing;
    request.hold();
    request.reschedule();
    const [only] = sink.failures;
    assert.deepEqual([sink.answerCount, only?.code], [1, "INVALID_ARG"]);
    assert.match(String(only?.message), /TRITONSERVER_REQUEST_RELEASE_RESCHEDULE.*iterative_sequence/);
  });

  it("counts the responses that have not left, if its client limits them", () => {
    const { request } = makeRequest();
    request.responseWindow = 2;
    request.respond(response);
    request.respondFailure(failed);
    request.responseWritten();
    assert.equal(request.unwrittenResponseCount, 1);
    const unlimited = makeRequest().request;
    unlimited.respond(response);
    assert.equal(unlimited.unwrittenResponseCount, 0);
  });

  it("complete tells the observer, then the sink, and is done", () => {
    const { request, sink } = makeRequest();
    const events = observe(request);
    request.state = requestState.executing;
    sink.onResponse = () => events.push("sink");
    request.complete(response);
    assert.deepEqual(events, [`success in state ${requestState.done}`, "sink"]);
    assert.equal(request.holder, null);
  });

  it("fail says whether the request was executing", () => {
    for (const [state, executing] of [
      [requestState.created, false],
      [requestState.queued, false],
      [requestState.executing, true],
    ] as const) {
      const { request, sink } = makeRequest();
      const events = observe(request);
      request.state = state;
      request.fail(failed);
      assert.deepEqual(events, [`failed: broke, executing: ${executing}`]);
      assert.deepEqual(sink.failures, [failed]);
      assert.equal(request.state, requestState.done);
    }
  });

  it("throws when it is answered twice, and the sink hears of one answer only", () => {
    const { request, sink } = makeRequest();
    request.complete(response);
    assert.throws(() => request.complete(response), /answered twice/);
    assert.throws(() => request.fail(failed), /answered twice/);
    assert.equal(sink.answerCount, 1);
  });

  it("gives several responses, then ends, and succeeds once", () => {
    const { request, sink } = makeRequest();
    const events = observe(request);
    request.state = requestState.executing;
    request.respond(response);
    request.respond(response);
    assert.deepEqual(events, []);
    assert.equal(sink.answerCount, 0);
    request.end();
    assert.equal(sink.responses.length, 2);
    assert.equal(sink.answerCount, 1);
    assert.equal(request.responseCount, 2);
    assert.deepEqual(events, [`success in state ${requestState.done}`]);
    assert.throws(() => request.respond(response), /answered twice/);
    assert.throws(() => request.end(), /answered twice/);
  });

  it("has failed when one of its responses was a failure", () => {
    for (const last of ["complete", "end"] as const) {
      const { request, sink } = makeRequest();
      const events = observe(request);
      request.state = requestState.executing;
      request.respondFailure(failed);
      if (last === "end") request.end();
      else request.complete(response);
      assert.deepEqual(events, ["failed: broke, executing: true"]);
      assert.deepEqual(sink.failures, [failed]);
      assert.equal(sink.answerCount, 1);
    }
  });

  it("tells its producer of cancellations and of written responses until it ends", () => {
    const { request } = makeRequest();
    const told: string[] = [];
    request.producer = {
      onCancelled: () => told.push("cancelled"),
      onResponseWritten: () => told.push("written"),
    };
    request.state = requestState.executing;
    request.respond(response);
    request.responseWritten();
    request.cancel();
    request.cancel();
    assert.deepEqual(told, ["written", "cancelled"]);
    request.end();
    request.responseWritten();
    assert.deepEqual(told, ["written", "cancelled"]);
  });

  it("cancel asks the holder once while the request is queued", () => {
    const { request } = makeRequest();
    const asked: InferenceRequest[] = [];
    request.state = requestState.queued;
    request.holder = { onCancelled: (held) => asked.push(held) };
    request.cancel();
    request.cancel();
    assert.deepEqual(asked, [request]);
    assert.ok(request.isCancelled);
  });

  it("cancel only marks a request that is executing, and its response still comes", () => {
    const { request, sink } = makeRequest();
    request.state = requestState.executing;
    request.cancel();
    assert.ok(request.isCancelled);
    assert.equal(sink.answerCount, 0);
    request.complete(response);
    assert.deepEqual(sink.responses, [response]);
  });

  it("cancel after the end does nothing", () => {
    const { request, sink } = makeRequest();
    request.complete(response);
    request.cancel();
    assert.equal(request.isCancelled, false);
    assert.equal(sink.answerCount, 1);
  });

  it("has one hidden class, whatever its values and however far it is", () => {
    const module = new URL("../../../../server/core/inference-request.js", import.meta.url).href;
    const code = `
      import { InferenceRequest } from ${JSON.stringify(module)};
      const sink = { onResponse() {}, onFailure() {} };
      const fromHttp = () => new InferenceRequest({ id: "", inputs: [], requestedOutputs: [], parameters: null, priority: 0, timeoutUs: 0, sink });
      const fromGrpc = () => new InferenceRequest({ id: "7", inputs: [{}], requestedOutputs: ["y"], parameters: new Map(), priority: 2, timeoutUs: 5e9, sink });
      const live = (request) => {
        request.inputs = [{}];
        request.batchSize = 4;
        request.outputMask = 1;
        request.holder = { onCancelled() {} };
        request.observer = { onSuccess() {} };
        for (const time of ["requestStartUs", "queueStartUs", "computeStartUs", "computeInputEndUs", "computeOutputStartUs", "computeEndUs"]) request[time] = 1234.5;
        request.state = 2;
        request.complete({});
        return request;
      };
      // The engine learns from the first ones that times have fractions.
      live(fromHttp());
      live(fromGrpc());
      const http = fromHttp();
      const grpc = live(fromGrpc());
      console.log(%HaveSameMap(http, grpc));
      grpc.extra = 1;
      console.log(%HaveSameMap(http, grpc));`;
    const flags = ["--allow-natives-syntax", "--input-type=module", "--eval", code];
    assert.equal(execFileSync(process.execPath, flags, { encoding: "utf8" }), "true\nfalse\n");
  });
});
