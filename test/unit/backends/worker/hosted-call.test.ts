import assert from "node:assert/strict";
import { describe, it } from "mocha";
import type { InstanceServer } from "../../../../backends/server-access.ts";
import { HostedCall } from "../../../../backends/worker/hosted-call.ts";
import type { CallAnswerMessage, CallMessage } from "../../../../backends/worker/request-protocol.ts";
import { type InferenceRequest, requestState } from "../../../../server/core/inference-request.ts";
import { InferenceResponse } from "../../../../server/core/inference-response.ts";
import { type Failure, StatusError } from "../../../../server/core/status.ts";
import { Tensor } from "../../../../server/core/tensor.ts";

const message: CallMessage = {
  kind: "call",
  call: 4,
  modelName: "other",
  modelVersion: "2",
  id: "id",
  inputs: [{ name: "IN", datatype: "FP32", shape: [1], buffer: 0, byteOffset: 0, byteLength: 4 }],
  requestedOutputs: ["OUT"],
  parameters: new Map([["p", 1]]),
  priority: 1,
  timeoutUs: 2,
  correlationId: 3,
  isSequenceStart: true,
  isSequenceEnd: false,
  isDecoupled: true,
  buffers: [new Float32Array([6]).buffer],
};

function start(refusal: Failure | null = null, isDecoupled = true) {
  const posted: CallAnswerMessage[] = [];
  let doneCount = 0;
  const called: { name: string; version: string; request: InferenceRequest }[] = [];
  const server: InstanceServer = {
    callModel: (name, version, request) => {
      called.push({ name, version, request });
      request.state = requestState.executing;
      return refusal;
    },
    log: () => undefined,
  };
  const asked = { ...message, isDecoupled };
  const call = new HostedCall(
    asked,
    (answer) => posted.push(answer),
    () => doneCount++,
  );
  call.start(server, asked);
  const [sent] = called;
  assert.ok(sent !== undefined);
  return { call, posted, ...sent, doneCount: () => doneCount };
}

const responseOf = (bytes: Uint8Array): InferenceResponse =>
  new InferenceResponse({
    modelName: "other",
    modelVersion: "2",
    id: "",
    outputs: [new Tensor("OUT", "FP32", [1], bytes)],
    parameters: null,
    buffer: null,
  });

describe("HostedCall", () => {
  it("is an ordinary request to the model that it names", () => {
    const { name, version, request } = start();
    assert.deepEqual([name, version], ["other", "2"]);
    assert.deepEqual([...new Float32Array(Uint8Array.from(request.inputs[0]?.data ?? []).buffer)], [6]);
    const { id, requestedOutputs, priority, timeoutUs, correlationId, isSequenceStart } = request;
    assert.deepEqual(
      [id, requestedOutputs, priority, timeoutUs, correlationId, isSequenceStart],
      ["id", ["OUT"], 1, 2, 3, true],
    );
    assert.equal(request.parameters?.get("p"), 1);
    assert.equal(request.responseWindow > 0, true);
    assert.equal(start(null, false).request.responseWindow, 0);
  });

  it("sends copies of responses, and its end", () => {
    const { request, posted, doneCount } = start();
    const bytes = Uint8Array.of(1, 2, 3, 4);
    request.respond(responseOf(bytes));
    bytes.fill(0);
    request.end();
    const [first, last] = posted;
    assert.ok(first?.content.kind === "response");
    assert.deepEqual(
      [...new Uint8Array(first.content.buffers[0] ?? new ArrayBuffer(0)).subarray(0, 4)],
      [1, 2, 3, 4],
    );
    assert.deepEqual([first.call, first.isFinal, last?.content.kind, last?.isFinal], [4, false, "end", true]);
    assert.equal(doneCount(), 1);
  });

  it("sends failures and refusals as plain values", () => {
    const refused = start(new StatusError("NOT_FOUND", "no such model"));
    assert.deepEqual(refused.posted, [
      {
        kind: "call-answer",
        call: 4,
        content: { kind: "failure", failure: { code: "NOT_FOUND", message: "no such model" } },
        isFinal: true,
      },
    ]);
    assert.equal(refused.doneCount(), 1);
    const failing = start();
    failing.request.respondFailure({ code: "INTERNAL", message: "part" });
    failing.request.fail({ code: "INTERNAL", message: "all" });
    assert.deepEqual(
      failing.posted.map(({ isFinal }) => isFinal),
      [false, true],
    );
  });

  it("sends nothing any more when it was abandoned, and cancels its request", () => {
    const { call, request, posted, doneCount } = start();
    call.abandon();
    assert.equal(request.isCancelled, true);
    request.respond(responseOf(new Uint8Array(4)));
    request.fail({ code: "CANCELLED", message: "" });
    assert.deepEqual([posted.length, doneCount()], [0, 1]);
  });

  it("makes room for responses as they are taken", () => {
    const { call, request } = start();
    let writtenCount = 0;
    request.producer = { onCancelled: () => undefined, onResponseWritten: () => writtenCount++ };
    call.responseTaken();
    assert.equal(writtenCount, 1);
  });
});
