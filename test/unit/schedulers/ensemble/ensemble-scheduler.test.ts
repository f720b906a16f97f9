import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { failure } from "../../../../server/core/status.ts";
import type { Tensor } from "../../../../server/core/tensor.ts";
import { EnsembleBench } from "../../../helpers/ensemble-bench.ts";
import { type ComposingModelSketch, ManualComposingModel } from "../../../helpers/manual-composing-model.ts";
import type { RecordingSink } from "../../../helpers/recorded-request.ts";

const unary: ComposingModelSketch = { inputs: { X: [4] }, outputs: { Y: [4] } };

/** `{ X: 7 }`: the first byte of each tensor. */
function bytes(tensors: readonly Tensor[]): Record<string, number | undefined> {
  return Object.fromEntries(tensors.map((tensor) => [tensor.name, tensor.data[0]]));
}

/** What came out, response by response. */
function answers(sink: RecordingSink): Record<string, number | undefined>[] {
  return sink.responses.map((response) => bytes(response.outputs));
}

/** IN → a → mid → b → OUT */
function chain(a: Partial<ComposingModelSketch> = {}, b: Partial<ComposingModelSketch> = {}) {
  const models = {
    a: new ManualComposingModel("a", { ...unary, ...a }),
    b: new ManualComposingModel("b", { ...unary, ...b }),
  };
  const bench = new EnsembleBench({
    inputs: { IN: [4] },
    outputs: { OUT: [4] },
    models: Object.values(models),
    steps: [
      ["a", { X: "IN" }, { Y: "mid" }],
      ["b", { X: "mid" }, { Y: "OUT" }],
    ],
  });
  return { ...models, bench };
}

/** IN → left and right, both → join → OUT; also OUT_LEFT straight from left. */
function diamond(init: { maxInflightRequests?: number } = {}) {
  const models = {
    left: new ManualComposingModel("left", unary),
    right: new ManualComposingModel("right", unary),
    join: new ManualComposingModel("join", {
      inputs: { P: [4], Q: [4] },
      outputs: { Y: [4] },
      optional: ["Q"],
    }),
  };
  const bench = new EnsembleBench({
    ...init,
    inputs: { IN: [4] },
    outputs: { OUT: [4], OUT_LEFT: [4] },
    models: Object.values(models),
    steps: [
      ["left", { X: "IN" }, { Y: "OUT_LEFT" }],
      ["right", { X: "IN" }, { Y: "q" }],
      ["join", { P: "OUT_LEFT", Q: "q" }, { Y: "OUT" }],
    ],
  });
  return { ...models, bench };
}

describe("EnsembleScheduler", () => {
  it("hands tensors from step to step under the models' own names", async () => {
    const { a, b, bench } = chain();
    const { sink } = await bench.infer({ id: "7" });
    assert.deepEqual(bytes(a.request(0).inputs), { X: 1 });
    assert.equal(b.requests.length, 0);
    a.answer(0, { Y: 5 });
    assert.deepEqual(bytes(b.request(0).inputs), { X: 5 });
    b.answer(0, { Y: 9 });
    assert.deepEqual(answers(sink), [{ OUT: 9 }]);
    assert.equal(sink.answerCount, 1);
    const [response] = sink.responses;
    assert.deepEqual([response?.modelName, response?.modelVersion, response?.id], ["e", "1", "7"]);
    assert.equal(bench.executions.length, 1);
  });

  it("runs steps that do not need each other side by side, and feeds one tensor to several", async () => {
    const { left, right, join, bench } = diamond();
    const { sink } = await bench.infer();
    assert.deepEqual([left.requests.length, right.requests.length], [1, 1]);
    right.answer(0, { Y: 2 });
    assert.equal(join.requests.length, 0);
    left.answer(0, { Y: 1 });
    assert.deepEqual(bytes(join.request(0).inputs), { P: 1, Q: 2 });
    join.answer(0, { Y: 3 });
    assert.deepEqual(answers(sink), [{ OUT: 3, OUT_LEFT: 1 }]);
  });

  it("runs only what the requested outputs need, and asks the models for no more", async () => {
    const { left, right, join, bench } = diamond();
    const { sink } = await bench.infer({ requestedOutputs: ["OUT_LEFT"] });
    assert.deepEqual([left.requests.length, right.requests.length], [1, 0]);
    assert.deepEqual(left.request(0).requestedOutputs, ["Y"]);
    left.answer(0, { Y: 4 });
    assert.deepEqual(answers(sink), [{ OUT_LEFT: 4 }]);
    assert.equal(join.requests.length, 0);
  });

  it("passes id, parameters, priority, timeout and sequence on to every step (row 137)", async () => {
    const { a, b, bench } = chain();
    await bench.infer({ id: "x", correlationId: "s", isSequenceStart: true });
    a.answer(0, { Y: 1 });
    for (const { id, correlationId, isSequenceStart, isSequenceEnd } of [a.request(0), b.request(0)]) {
      assert.deepEqual([id, correlationId, isSequenceStart, isSequenceEnd], ["x", "s", true, false]);
    }
  });

  it("lets a step's response parameters change the sequence downstream, and shows them (row 137)", async () => {
    const { a, b, bench } = chain();
    const { sink } = await bench.infer({ correlationId: 3, isSequenceStart: true });
    a.answer(0, { Y: 1 }, { sequence_id: 8, sequence_end: true, other: 1 });
    const { correlationId, isSequenceStart, isSequenceEnd } = b.request(0);
    assert.deepEqual([correlationId, isSequenceStart, isSequenceEnd], [8, true, true]);
    b.answer(0, { Y: 2 });
    assert.deepEqual(Object.fromEntries(sink.responses[0]?.parameters ?? []), {
      sequence_id: 8,
      sequence_end: true,
    });
  });

  it("fails once with the step's status and name, after the other steps have ended", async () => {
    const { left, right, join, bench } = diamond();
    const { sink } = await bench.infer();
    left.fail(0, "broke");
    assert.equal(right.cancelledCount, 1);
    assert.equal(sink.answerCount, 0);
    right.answer(0, { Y: 1 });
    assert.deepEqual(sink.failures, [failure("INTERNAL", "in ensemble 'e', step 0 (model 'left'): broke")]);
    assert.equal(sink.answerCount, 1);
    assert.equal(join.requests.length, 0);
    assert.equal(bench.executions.length, 0);
  });

  it("fails when a step's queue refuses the request (row 134)", async () => {
    const { a, bench } = chain();
    a.refusal = failure("UNAVAILABLE", "Exceeds maximum queue size");
    const { sink } = await bench.infer();
    assert.deepEqual(sink.failures, [
      failure("UNAVAILABLE", "in ensemble 'e', step 0 (model 'a'): Exceeds maximum queue size"),
    ]);
    assert.equal(sink.answerCount, 1);
  });

  it("holds the models that it began with until its end, whatever is loaded meanwhile", async () => {
    const { a, b, bench } = chain();
    const { sink } = await bench.infer();
    bench.models.delete("b");
    assert.deepEqual([a.holdCount, b.holdCount], [1, 1]);
    a.answer(0, { Y: 1 });
    b.answer(0, { Y: 2 });
    assert.deepEqual(answers(sink), [{ OUT: 2 }]);
    assert.deepEqual([a.holdCount, b.holdCount], [0, 0]);
  });

  it("fails before any step when a model is not there, and holds none", async () => {
    const { a, bench } = chain();
    bench.models.delete("b");
    const { sink } = await bench.infer();
    assert.match(sink.failures[0]?.message ?? "", /step 1 \(model 'b'\): no model 'b'/);
    assert.deepEqual([a.requests.length, a.holdCount, sink.answerCount], [0, 0, 1]);
  });

  it("cancels the running steps, begins no other, and answers when they have ended (row 159)", async () => {
    const { a, b, bench } = chain();
    const { request, sink } = await bench.infer();
    request.cancel();
    assert.equal(a.cancelledCount, 1);
    assert.equal(sink.answerCount, 0);
    a.answer(0, { Y: 1 });
    assert.equal(b.requests.length, 0);
    assert.equal(sink.failures[0]?.code, "CANCELLED");
    assert.equal(sink.answerCount, 1);
  });

  it("treats an output that a model leaves out as absent: an optional input (row 66), an output less (row 135)", async () => {
    const { left, right, join, bench } = diamond();
    const { sink } = await bench.infer();
    right.answer(0, {});
    left.answer(0, { Y: 1 });
    assert.deepEqual(bytes(join.request(0).inputs), { P: 1 });
    join.answer(0, {});
    assert.deepEqual(answers(sink), [{ OUT_LEFT: 1 }]);
    assert.deepEqual(bench.missing, ["OUT"]);
  });

  it("fails when nothing came that could be answered", async () => {
    const { a, b, bench } = chain();
    const { sink } = await bench.infer();
    a.answer(0, { Y: 1 });
    b.answer(0, {});
    assert.equal(sink.failures[0]?.code, "INVALID_ARG");
    assert.match(sink.failures[0].message, /unexpected deadlock, at least one output is not set/);
  });

  it("adds and removes the batch dimension between models that batch and models that do not", async () => {
    const models = [
      new ManualComposingModel("a", { ...unary, maxBatchSize: 0 }),
      new ManualComposingModel("b", { ...unary, maxBatchSize: 8 }),
    ] as const;
    const bench = new EnsembleBench({
      inputs: { IN: [4] },
      outputs: { OUT: [4] },
      maxBatchSize: 8,
      models,
      steps: [
        ["a", { X: "IN" }, { Y: "mid" }],
        ["b", { X: "mid" }, { Y: "OUT" }],
      ],
    });
    const { sink } = await bench.infer();
    const [a, b] = models;
    assert.deepEqual(a.request(0).inputs[0]?.shape, [4]);
    a.answer(0, { Y: 1 });
    assert.deepEqual(b.request(0).inputs[0]?.shape, [1, 4]);
    b.answer(0, { Y: 1 });
    assert.deepEqual(sink.responses[0]?.outputs[0]?.shape, [1, 4]);
  });

  it("adds up the steps' durations and keeps its own wall time", async () => {
    const { a, b, bench } = chain();
    const { request } = await bench.infer();
    const phases = (step: typeof request, startUs: number): void => {
      step.queueStartUs = startUs;
      step.computeStartUs = startUs + 10;
      step.computeInputEndUs = startUs + 30;
      step.computeOutputStartUs = startUs + 60;
      step.computeEndUs = startUs + 100;
    };
    phases(a.request(0), 50);
    a.answer(0, { Y: 1 });
    phases(b.request(0), 500);
    bench.clock.advance(1_000);
    b.answer(0, { Y: 1 });
    assert.equal(request.computeStartUs - request.queueStartUs, 20);
    assert.equal(request.computeInputEndUs - request.computeStartUs, 40);
    assert.equal(request.computeOutputStartUs - request.computeInputEndUs, 60);
    assert.equal(request.computeEndUs - request.computeOutputStartUs, 80);
    assert.equal(request.requestEndUs - request.requestStartUs, 1_000);
  });

  it("takes no more requests once it is stopped, and lets the others end (row 162)", async () => {
    const { a, b, bench } = chain();
    const { sink } = await bench.infer();
    bench.scheduler.stop();
    await assert.rejects(() => bench.infer(), /being unloaded/);
    a.answer(0, { Y: 1 });
    b.answer(0, { Y: 2 });
    assert.deepEqual(answers(sink), [{ OUT: 2 }]);
  });

  describe("with max_inflight_requests", () => {
    it("keeps requests waiting at a step that is full, for all clients together (row 136)", async () => {
      const { left, right, join, bench } = diamond({ maxInflightRequests: 1 });
      const first = await bench.infer();
      const second = await bench.infer();
      assert.deepEqual([left.requests.length, right.requests.length], [1, 1]);
      left.answer(0, { Y: 1 });
      assert.deepEqual([left.requests.length, right.requests.length], [2, 1]);
      right.answer(0, { Y: 1 });
      left.answer(1, { Y: 2 });
      right.answer(1, { Y: 2 });
      assert.equal(join.requests.length, 1);
      join.answer(0, { Y: 3 });
      join.answer(1, { Y: 4 });
      assert.deepEqual(
        [first, second].map(({ sink }) => answers(sink)[0]?.["OUT"]),
        [3, 4],
      );
    });

    it("lets a cancelled request go that waits, and gives its place to the next", async () => {
      const { left, right, bench } = diamond({ maxInflightRequests: 1 });
      await bench.infer();
      const waiting = await bench.infer();
      const last = await bench.infer();
      waiting.request.cancel();
      assert.equal(waiting.sink.failures[0]?.code, "CANCELLED");
      left.answer(0, { Y: 1 });
      right.answer(0, { Y: 1 });
      assert.deepEqual([left.requests.length, right.requests.length], [2, 2]);
      last.request.cancel();
      left.answer(1, { Y: 1 });
      right.answer(1, { Y: 1 });
      assert.equal(last.sink.answerCount, 1);
      await bench.infer();
      assert.equal(left.requests.length, 3, "no place was lost");
    });
  });

  describe("with a decoupled step", () => {
    it("runs what follows once for each response, answers each, then ends", async () => {
      const { a, b, bench } = chain({ isDecoupled: true });
      const { sink } = await bench.infer();
      a.respond(0, { Y: 5 });
      a.respond(0, { Y: 6 });
      assert.deepEqual([bytes(b.request(0).inputs), bytes(b.request(1).inputs)], [{ X: 5 }, { X: 6 }]);
      b.answer(1, { Y: 16 });
      b.answer(0, { Y: 15 });
      assert.deepEqual(answers(sink), [{ OUT: 16 }, { OUT: 15 }]);
      assert.equal(sink.answerCount, 0);
      a.request(0).end();
      assert.equal(sink.answerCount, 1);
    });

    it("ends without a response when the step gives none", async () => {
      const { a, bench } = chain({ isDecoupled: true });
      const { sink } = await bench.infer();
      a.request(0).end();
      assert.deepEqual([sink.responses.length, sink.failures.length, sink.answerCount], [0, 0, 1]);
    });

    it("joins each response with tensors from before it, whichever comes first", async () => {
      const many = new ManualComposingModel("many", { ...unary, isDecoupled: true });
      const once = new ManualComposingModel("once", unary);
      const join = new ManualComposingModel("join", { inputs: { P: [4], Q: [4] }, outputs: { Y: [4] } });
      const bench = new EnsembleBench({
        inputs: { IN: [4] },
        outputs: { OUT: [4] },
        models: [many, once, join],
        steps: [
          ["many", { X: "IN" }, { Y: "p" }],
          ["once", { X: "IN" }, { Y: "q" }],
          ["join", { P: "p", Q: "q" }, { Y: "OUT" }],
        ],
      });
      const { sink } = await bench.infer();
      many.respond(0, { Y: 1 });
      assert.equal(join.requests.length, 0);
      once.answer(0, { Y: 7 });
      many.respond(0, { Y: 2 });
      many.request(0).end();
      assert.deepEqual(
        join.requests.map((request) => bytes(request.inputs)),
        [
          { P: 1, Q: 7 },
          { P: 2, Q: 7 },
        ],
      );
      join.answer(0, { Y: 11 });
      join.answer(1, { Y: 12 });
      assert.deepEqual(answers(sink), [{ OUT: 11 }, { OUT: 12 }]);
      assert.equal(sink.answerCount, 1);
    });

    it("keeps responses that were sent valid when a later step fails (row 134)", async () => {
      const { a, b, bench } = chain({ isDecoupled: true });
      const { sink } = await bench.infer();
      a.respond(0, { Y: 1 });
      b.answer(0, { Y: 2 });
      a.respond(0, { Y: 3 });
      b.fail(1, "broke");
      assert.equal(a.cancelledCount, 1);
      assert.equal(sink.answerCount, 0, "the decoupled step has not ended");
      a.request(0).end();
      assert.deepEqual(answers(sink), [{ OUT: 2 }]);
      assert.match(sink.failures[0]?.message ?? "", /step 1 \(model 'b'\): broke/);
      assert.equal(sink.answerCount, 1);
    });

    it("gives a response's place in the window back when it has left the ensemble", async () => {
      const { a, b, bench } = chain({ isDecoupled: true });
      const { request } = await bench.infer({ window: 2 });
      assert.equal(a.request(0).responseWindow, 2);
      a.respond(0, { Y: 1 });
      a.respond(0, { Y: 2 });
      b.answer(0, { Y: 1 });
      assert.equal(a.writtenCount, 0);
      request.responseWritten();
      assert.equal(a.writtenCount, 1);
      b.answer(1, { Y: 1 });
      request.responseWritten();
      assert.equal(a.writtenCount, 2);
    });

    it("fails a model that is not decoupled and answers twice", async () => {
      const { a, b, bench } = chain();
      const { sink } = await bench.infer();
      a.respond(0, { Y: 1 });
      a.answer(0, { Y: 2 });
      b.answer(0, { Y: 2 });
      assert.match(sink.failures[0]?.message ?? "", /model 'a' gave more than one response/);
      assert.equal(sink.answerCount, 1);
    });
  });
});
