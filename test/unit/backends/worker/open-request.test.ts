import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { OpenRequest } from "../../../../backends/worker/open-request.ts";
import type { AnswerMessage, ToRequestWorker } from "../../../../backends/worker/request-protocol.ts";
import { TensorPacker } from "../../../../backends/worker/tensor-packer.ts";
import { requestState } from "../../../../server/core/inference-request.ts";
import { fp32Tensor, makeRequest } from "../../../helpers/recorded-request.ts";

function open(window = 0) {
  const { request, sink } = makeRequest({ id: "id", inputs: [fp32Tensor("IN", [1], [2])] });
  request.state = requestState.executing;
  request.responseWindow = window;
  const posted: ToRequestWorker[] = [];
  const opened = new OpenRequest(5, request, {
    identity: { modelName: "m", modelVersion: "3" },
    isDecoupled: true,
    post: (message) => posted.push(message),
  });
  return { opened, request, sink, posted };
}

function answer(content: AnswerMessage["content"], isFinal = false): AnswerMessage {
  const times = { startUs: 3, outputStartUs: 4, endUs: 5 };
  return { key: 5, content, isFinal, computeStartUs: 1, computeInputEndUs: 2, times };
}
const response = { kind: "response", outputs: [], parameters: null } as const;
const failed = { kind: "failure", failure: { code: "INTERNAL", message: "no" } } as const;

describe("OpenRequest", () => {
  it("carries the request with its inputs", () => {
    const { opened } = open(3);
    const packer = new TensorPacker();
    const message = opened.toMessage(packer);
    assert.deepEqual(
      [message.key, message.id, message.window, message.inputs[0]?.byteLength],
      [5, "id", 3, 4],
    );
    assert.deepEqual([...new Float32Array(packer.take()[0] ?? new ArrayBuffer(0), 0, 1)], [2]);
  });

  it("passes answers on, and says what they were", () => {
    const { opened, request, sink } = open();
    assert.equal(opened.answer(answer(response), []), "success");
    assert.equal(opened.answer(answer(failed), []), "fail");
    assert.equal(sink.answerCount, 0);
    assert.equal(opened.answer(answer({ kind: "end" }, true), []), "empty_response");
    assert.deepEqual([sink.responses.length, sink.failures.length, sink.answerCount], [1, 1, 1]);
    const { modelName, modelVersion, id } = sink.responses[0] ?? {};
    assert.deepEqual([modelName, modelVersion, id], ["m", "3", "id"]);
    assert.deepEqual(
      [request.computeStartUs, request.computeInputEndUs, request.computeOutputStartUs, request.computeEndUs],
      [1, 2, 4, 5],
    );
  });

  it("ends with a response or a failure that is final", () => {
    const first = open();
    first.opened.answer(answer(response, true), []);
    assert.deepEqual([first.sink.responses.length, first.sink.answerCount], [1, 1]);
    const second = open();
    const cancelled = { kind: "failure", failure: { code: "CANCELLED", message: "" } } as const;
    assert.equal(second.opened.answer(answer(cancelled, true), []), "cancel");
    assert.deepEqual([second.sink.failures.length, second.sink.answerCount], [1, 1]);
  });

  it("gives a request back for another run, which the client's unread answers take room of", () => {
    const { opened, request, sink } = open(3);
    const log: string[] = [];
    request.rescheduler = { onRescheduled: () => log.push("rescheduled"), onHeld: () => undefined };
    opened.answer(answer(response), []);
    opened.answer(answer(response), []);
    assert.equal(opened.answer(answer({ kind: "reschedule" }, true), []), null);
    assert.deepEqual([log, sink.answerCount, request.producer], [["rescheduled"], 0, null]);
    request.responseWritten();
    const posted: ToRequestWorker[] = [];
    const again = new OpenRequest(6, request, {
      identity: { modelName: "m", modelVersion: "3" },
      isDecoupled: true,
      post: (message) => posted.push(message),
    });
    assert.equal(again.toMessage(new TensorPacker()).window, 2);
    again.answer(answer(response), []);
    again.answer(answer(response), []);
    assert.equal(
      new OpenRequest(7, request, {
        identity: { modelName: "m", modelVersion: "3" },
        isDecoupled: true,
        post: () => undefined,
      }).toMessage(new TensorPacker()).window,
      0,
    );
  });

  it("tells the worker of a cancellation", () => {
    const { request, posted } = open();
    request.cancel();
    assert.deepEqual(posted, [{ kind: "cancel", key: 5 }]);
  });

  it("tells the worker when half a window has left", () => {
    const { opened, request, posted } = open(3);
    opened.answer(answer(response), []);
    assert.deepEqual(posted, []);
    request.responseWritten();
    request.responseWritten();
    assert.deepEqual(posted, [{ kind: "written", key: 5, count: 2 }]);
    request.responseWritten();
    assert.equal(posted.length, 1);
  });

  it("counts answers as written itself when the request sets no window", () => {
    const { opened, posted } = open();
    for (let i = 0; i < 32; i++) opened.answer(answer(i === 7 ? failed : response), []);
    assert.deepEqual(posted, [{ kind: "written", key: 5, count: 32 }]);
  });
});
