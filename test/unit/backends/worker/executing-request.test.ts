import assert from "node:assert/strict";
import { describe, it } from "mocha";
import type { RequestOutput } from "../../../../backends/request-execution.ts";
import { AnswerOutbox } from "../../../../backends/worker/answer-outbox.ts";
import { ExecutingRequest } from "../../../../backends/worker/executing-request.ts";
import type { AnswerMessage, FromRequestWorker } from "../../../../backends/worker/request-protocol.ts";
import { settle } from "../../../helpers/deferred.ts";
import { tensorSpec } from "../../../helpers/tensor-spec.ts";

const spec = {
  maxBatchSize: 0,
  states: [],
  inputs: [tensorSpec("IN", "UINT8", [1, 2], { wireDims: [2] })],
  outputs: [tensorSpec("OUT", "UINT8", [1]), tensorSpec("MORE", "UINT8", [1])],
};

/** A request in a worker, and what leaves it. */
class Bench {
  readonly messages: FromRequestWorker[] = [];
  readonly request: ExecutingRequest;
  answeredCount = 0;
  onPoll: () => void = () => undefined;

  constructor({ isDecoupled = true, window = 64, requestedOutputs = [] as string[] } = {}) {
    const outbox = new AnswerOutbox((message) => this.messages.push(message));
    this.request = new ExecutingRequest(
      {
        key: 7,
        id: "id",
        inputs: [{ name: "IN", datatype: "UINT8", shape: [2], buffer: 0, byteOffset: 0, byteLength: 2 }],
        requestedOutputs,
        parameters: null,
        batchSize: 1,
        priority: 0,
        timeoutUs: 0,
        correlationId: 0,
        isSequenceStart: false,
        isSequenceEnd: false,
        window,
      },
      [Uint8Array.of(1, 2).buffer],
      { spec, isDecoupled, outbox, poll: () => this.onPoll(), onAnswered: () => this.answeredCount++ },
      1,
    );
  }

  give(value: number, isFinal = false): Promise<void> {
    return this.request.respond(outputsOf(value), null, isFinal);
  }

  /** Kinds of the answers that have left, with `!` for the final one, and the values of OUT. */
  get sent(): string[] {
    return this.messages.flatMap((message) => {
      if (message.kind !== "answers") return [];
      return message.answers.map((answer) => describeAnswer(answer, message.buffers));
    });
  }
}

function outputsOf(...values: number[]): RequestOutput[] {
  return values.map((value, i) => ({
    name: i === 0 ? "OUT" : "MORE",
    datatype: "UINT8",
    shape: [1],
    data: Uint8Array.of(value),
    canTransfer: false,
  }));
}

function describeAnswer({ content, isFinal }: AnswerMessage, buffers: readonly ArrayBuffer[]): string {
  const end = isFinal ? "!" : "";
  if (content.kind === "failure") return `${content.failure.code}${end}`;
  if (content.kind !== "response") return `${content.kind}${end}`;
  const values = content.outputs.map(
    ({ buffer, byteOffset }) => new Uint8Array(buffers[buffer] ?? new ArrayBuffer(0))[byteOffset] ?? "?",
  );
  return values.join("+") + end;
}

describe("ExecutingRequest", () => {
  it("shows inputs in the model's own shape, and all outputs as wanted when none is named", () => {
    const { request } = new Bench();
    assert.deepEqual(request.inputs[0]?.shape, [1, 2]);
    assert.deepEqual(request.requestedOutputs, ["OUT", "MORE"]);
  });

  it("sends the answers of one turn in one message", async () => {
    const bench = new Bench();
    void bench.give(1);
    void bench.give(2);
    assert.equal(bench.messages.length, 0);
    bench.request.end();
    await settle();
    assert.deepEqual([bench.messages.length, bench.sent], [1, ["1", "2", "end!"]]);
    assert.equal(bench.answeredCount, 1);
  });

  it("makes the only response of a model that is not decoupled final", async () => {
    const bench = new Bench({ isDecoupled: false, requestedOutputs: ["OUT"] });
    await bench.give(1);
    assert.deepEqual(bench.sent, ["1!"]);
    assert.equal(bench.request.isDone, true);
    assert.throws(() => bench.give(2), { message: "request 'id' has had its final answer already" });
    assert.throws(() => bench.request.fail({ code: "INTERNAL", message: "" }, true), /final answer already/);
  });

  it("does not end without a response unless it is decoupled, and then only once", () => {
    assert.throws(() => new Bench({ isDecoupled: false }).request.end(), /cannot end without/);
    const { request } = new Bench();
    request.end();
    assert.throws(() => request.end(), /final answer already/);
  });

  it("asks for every wanted output unless it is decoupled, and drops the others", async () => {
    assert.throws(() => new Bench({ isDecoupled: false }).give(1), /output 'MORE' was not produced/);
    const bench = new Bench({ requestedOutputs: ["MORE"] });
    await bench.request.respond(outputsOf(1, 2), null, true);
    assert.deepEqual(bench.sent, ["2!"]);
  });

  it("leaves after its answers when it is rescheduled, and takes no answer then", async () => {
    const bench = new Bench({ window: 1 });
    void bench.give(1);
    void bench.give(2);
    bench.request.reschedule();
    assert.equal(bench.request.isDone, true);
    assert.throws(() => bench.give(3), { message: "request 'id' has been rescheduled" });
    assert.throws(() => bench.request.reschedule(), { message: "request 'id' has been rescheduled" });
    await settle();
    assert.deepEqual(bench.sent, ["1"]);
    bench.request.written(1);
    await settle();
    assert.deepEqual([bench.sent, bench.answeredCount], [["1", "2", "reschedule!"], 1]);
  });

  it("is not rescheduled when it has been answered, or when its client has gone", async () => {
    const answered = new Bench({ isDecoupled: false, requestedOutputs: ["OUT"] });
    await answered.give(1);
    assert.throws(() => answered.request.reschedule(), /final answer already/);
    const cancelled = new Bench();
    cancelled.request.cancel();
    cancelled.request.reschedule();
    await settle();
    assert.deepEqual(cancelled.sent, ["CANCELLED!"]);
  });

  it("holds answers back that have no room, and tells when there is some", async () => {
    const bench = new Bench({ window: 2 });
    let isThereRoom = false;
    await bench.give(1);
    void bench.give(2).then(() => (isThereRoom = true));
    const bytes = outputsOf(3);
    void bench.request.respond(bytes, null, false);
    bytes[0]?.data.fill(99);
    void bench.give(4);
    bench.request.end();
    await settle();
    assert.deepEqual([bench.sent, isThereRoom, bench.answeredCount], [["1", "2"], false, 0]);
    bench.request.written(1);
    await settle();
    assert.deepEqual([bench.sent, isThereRoom], [["1", "2", "3"], false]);
    bench.request.written(2);
    await settle();
    assert.deepEqual([bench.sent, isThereRoom], [["1", "2", "3", "4", "end!"], true]);
    assert.equal(bench.answeredCount, 1);
  });

  it("drops what waits when it is cancelled, and ends as cancelled", async () => {
    const bench = new Bench({ window: 1 });
    let calls = 0;
    bench.request.onCancelled(() => calls++);
    void bench.give(1);
    const blocked = bench.give(2);
    bench.request.cancel();
    bench.request.cancel();
    await blocked;
    await bench.give(3);
    bench.request.end();
    await settle();
    assert.deepEqual([bench.sent, calls, bench.answeredCount], [["1", "CANCELLED!"], 1, 1]);
    bench.request.onCancelled(() => calls++);
    assert.equal(calls, 2);
  });

  it("ends a request that has been ended while its answers wait, when it is cancelled", async () => {
    const bench = new Bench({ window: 1 });
    void bench.give(1);
    void bench.give(2);
    bench.request.end();
    bench.request.cancel();
    await settle();
    assert.deepEqual([bench.sent, bench.answeredCount], [["1", "CANCELLED!"], 1]);
  });

  it("looks for messages, and lets answers leave, when it is asked whether it is cancelled", () => {
    const bench = new Bench();
    void bench.give(1);
    bench.onPoll = () => bench.request.cancel();
    assert.equal(bench.request.isCancelled(), true);
    assert.deepEqual(bench.sent, ["1"]);
  });
});
