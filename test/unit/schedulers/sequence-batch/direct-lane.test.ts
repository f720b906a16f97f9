import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { makeInput } from "../../../helpers/model-config.ts";
import { fp32Tensor } from "../../../helpers/recorded-request.ts";
import { SequenceBench, type SequenceSketch } from "../../../helpers/sequence-bench.ts";

function waiting(maxQueueDelayUs: number, minimumSlotUtilization: number): SequenceSketch {
  return { max: 4, batching: { strategy: { kind: "direct", maxQueueDelayUs, minimumSlotUtilization } } };
}

describe("DirectLane", () => {
  it("runs one request of each slot, each in the row of its slot", () => {
    const bench = new SequenceBench({ max: 3 });
    bench.send("a1", 1, "S");
    bench.send("b1", 2, "S");
    bench.send("b2", 2);
    bench.sendNow("c1", 3, "S");
    bench.complete();
    assert.deepEqual(bench.batches(), [
      ["a1", "b1", "c1"],
      ["-", "b2", "-"],
    ]);
  });

  it("fills rows up to the last slot that a sequence owns, not beyond", () => {
    const bench = new SequenceBench({ max: 8 });
    for (const id of [1, 2, 3]) bench.send(`s${id}`, id, "S");
    bench.clock.endTurn();
    bench.complete();
    bench.sendNow("e3", 3, "E");
    assert.deepEqual(bench.batches().at(-1), ["-", "-", "e3"]);
    bench.complete();
    bench.sendNow("n1", 1);
    assert.deepEqual(bench.batches().at(-1), ["n1", "-"]);
  });

  it("makes fillers of another request's inputs, without outputs, sequence or flags", () => {
    const bench = new SequenceBench({ max: 2 });
    const inputs = [fp32Tensor("INPUT0", [1, 4], [1, 2, 3, 4])];
    bench.send("a1", "x", "S");
    bench.sendNow("b1", "y", "S", { inputs });
    bench.complete();
    const { request } = bench.sendNow("b2", "y", "E", { inputs });
    const filler = bench.lane().executed.at(-1)?.[0];
    assert.ok(filler?.isFiller);
    assert.equal(filler.inputs, request.inputs);
    assert.deepEqual(
      [filler.outputMask, filler.correlationId, filler.isSequenceStart, filler.isSequenceEnd],
      [0, "", false, false],
    );
    assert.equal(filler.sequenceSlot, -1);
  });

  it("has one batch under way, even when the instance would take more", () => {
    const bench = new SequenceBench({ max: 2, capacity: 2 });
    bench.sendNow("a1", 1, "S");
    bench.sendNow("b1", 2, "S");
    assert.deepEqual(bench.batches(), [["a1"]]);
    bench.complete();
    assert.deepEqual(bench.batches(), [["a1"], ["-", "b1"]]);
  });

  it("leaves a hole where shapes differ, and serves the oldest first", () => {
    const bench = new SequenceBench({ max: 2, config: { input: [makeInput("INPUT0", { dims: [-1] })] } });
    const shaped = (length: number) => ({
      inputs: [fp32Tensor("INPUT0", [1, length], new Array<number>(length).fill(0))],
    });
    bench.send("a1", 1, "S", shaped(2));
    bench.sendNow("b1", 2, "S", shaped(3));
    assert.deepEqual(bench.batches(), [["a1", "-"]]);
    bench.clock.advance(10);
    bench.send("a2", 1, "", shaped(2));
    bench.complete();
    assert.deepEqual(bench.batches().at(-1), ["-", "b1"]);
    bench.complete();
    assert.deepEqual(bench.batches().at(-1), ["a2", "-"]);
  });

  it("runs sequences one by one when a state's shape varies", () => {
    const state = [
      {
        inputName: "i",
        outputName: "o",
        datatype: "FP32" as const,
        dims: [-1],
        initialState: null,
        isSameBufferAsked: false,
      },
    ];
    const bench = new SequenceBench({ max: 2, batching: { state } });
    bench.send("a1", 1, "S");
    bench.sendNow("b1", 2, "S");
    bench.drain();
    assert.deepEqual(bench.batches(), [
      ["a1", "-"],
      ["-", "b1"],
    ]);
  });

  it("runs at once without a delay, or without a wanted share of slots", () => {
    for (const sketch of [waiting(0, 1), waiting(1_000, 0)]) {
      const bench = new SequenceBench(sketch);
      bench.sendNow("a1", 1, "S");
      assert.deepEqual(bench.batches(), [["a1"]]);
    }
  });

  it("waits until the wanted share of slots is ready", () => {
    const bench = new SequenceBench(waiting(10_000, 0.5));
    bench.sendNow("a1", 1, "S");
    bench.clock.advance(9_000);
    assert.deepEqual(bench.batches(), []);
    bench.sendNow("b1", 2, "S");
    assert.deepEqual(bench.batches(), [["a1", "b1"]]);
  });

  it("waits no longer than the delay of the oldest request", () => {
    const bench = new SequenceBench(waiting(10_000, 0.75));
    bench.sendNow("a1", 1, "S");
    bench.clock.advance(6_000);
    bench.sendNow("b1", 2, "S");
    bench.clock.advance(3_999);
    assert.deepEqual(bench.batches(), []);
    bench.clock.advance(1);
    assert.deepEqual(bench.batches(), [["a1", "b1"]]);
    assert.ok(bench.clock.timerCount <= 1);
  });

  it("has one slot and no fillers for a model that does not batch", () => {
    const bench = new SequenceBench({ max: 0 });
    bench.send("a1", 1, "S");
    bench.sendNow("b1", 2, "SE");
    bench.complete();
    bench.sendNow("a2", 1, "E");
    bench.drain();
    assert.deepEqual(bench.batches(), [["a1"], ["a2"], ["b1"]]);
  });
});
