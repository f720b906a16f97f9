import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { Tensor } from "../../../../server/core/tensor.ts";
import type { ModelConfig } from "../../../../server/model-config/model-config.ts";
import { makeInput, makeQueuePolicy } from "../../../helpers/model-config.ts";
import { lengthTensor, makePaddingRule } from "../../../helpers/padded-requests.ts";
import type { RequestSketch } from "../../../helpers/recorded-request.ts";
import { SchedulerBench, type SchedulerSketch, type SentRequest } from "../../../helpers/scheduler-bench.ts";

const config: Partial<ModelConfig> = { input: [makeInput("INPUT0", { datatype: "UINT8", dims: [-1] })] };

/** A scheduler that pads INPUT0 along axis 1, with up to a quarter of padding. */
class PaddingBench extends SchedulerBench {
  constructor(sketch: SchedulerSketch = {}) {
    super({ config, ...sketch, batching: { pad: [makePaddingRule()], ...sketch.batching } });
  }

  /** Sends a request whose id is its length and, where that repeats, a letter. */
  sendLength(id: string, sketch: RequestSketch = {}): SentRequest {
    return this.send(id, { inputs: [lengthTensor(Number.parseInt(id, 10), sketch.batchSize)], ...sketch });
  }
}

/** The batches that form of what waits when the only instance becomes free. */
function batchesOf(bench: PaddingBench, ids: readonly string[]): string[][] {
  bench.keepBusy();
  for (const id of ids) bench.sendLength(id);
  bench.drain();
  return bench.batches;
}

describe("PaddedBatchFormer", () => {
  it("joins different lengths within the limit", () => {
    assert.deepEqual(batchesOf(new PaddingBench(), ["8", "6", "7", "8b"]), [["8", "6", "7", "8b"]]);
  });

  it("passes over what would bring too much padding, and keeps the order of each bucket", () => {
    const bench = new PaddingBench();
    assert.deepEqual(batchesOf(bench, ["8", "90", "9", "88", "7", "91", "8b"]), [
      ["8", "9", "7", "8b"],
      ["90", "88", "91"],
    ]);
  });

  it("begins every batch with the head of the queue, so that a passed-over request is next", () => {
    const bench = new PaddingBench({ max: 2 });
    assert.deepEqual(batchesOf(bench, ["8", "90", "8b", "8c", "8d", "91"]), [
      ["8", "8b"],
      ["90", "91"],
      ["8c", "8d"],
    ]);
  });

  it("does not let an endless stream of short requests starve a long one", () => {
    const bench = new PaddingBench({ max: 4 });
    bench.keepBusy();
    for (let i = 0; i < 3; i++) bench.sendLength(`8_${i}`);
    const long = bench.sendLength("100");
    for (let round = 0; round < 2; round++) {
      for (let i = 0; i < 20; i++) bench.sendLength(`8_${round}_${i}`);
      bench.completeOldest();
    }
    // The batch of those before it, then its own.
    assert.deepEqual(bench.batches[1], ["100"]);
    bench.completeOldest();
    assert.equal(long.sink.answerCount, 1);
    bench.drain();
  });

  it("fills the head's bucket from behind, up to max_batch_size", () => {
    const bench = new PaddingBench({ max: 3 });
    assert.deepEqual(batchesOf(bench, ["8", "90", "8b", "91", "8c", "8d"]), [
      ["8", "8b", "8c"],
      ["90", "91"],
      ["8d"],
    ]);
  });

  it("looks at eight full batches of requests at most", () => {
    const long = Array.from({ length: 15 }, (_, i) => `90_${i}`);
    const [first] = batchesOf(new PaddingBench({ max: 2 }), ["8", ...long, "8b"]);
    assert.deepEqual(first, ["8"]);
    const [near] = batchesOf(new PaddingBench({ max: 2 }), ["8", ...long.slice(1), "8b"]);
    assert.deepEqual(near, ["8", "8b"]);
  });

  it("ends the batch at a request that does not fit or differs in something else", () => {
    const bench = new PaddingBench({
      max: 4,
      config: {
        input: [makeInput("INPUT0", { datatype: "UINT8", dims: [-1] }), makeInput("x", { dims: [-1] })],
      },
    });
    bench.keepBusy();
    const inputs = (xLength: number): Tensor[] => [
      lengthTensor(8),
      new Tensor("x", "UINT8", [1, xLength], new Uint8Array(xLength)),
    ];
    bench.send("a", { inputs: inputs(1) });
    bench.send("b", { inputs: inputs(2) });
    bench.send("c", { inputs: inputs(1) });
    bench.drain();
    assert.deepEqual(bench.batches, [["a"], ["b"], ["c"]]);

    const large = new PaddingBench({ max: 4 });
    large.keepBusy();
    large.sendLength("8", { batchSize: 3 });
    large.sendLength("8b", { batchSize: 2 });
    large.sendLength("8c");
    large.drain();
    assert.deepEqual(large.batches, [["8"], ["8b", "8c"]]);
  });

  it("sends a preferred size of the head's bucket", () => {
    const bench = new PaddingBench({ max: 8, batching: { preferredBatchSize: [2] } });
    assert.deepEqual(batchesOf(bench, ["8", "90", "8b", "8c"]), [["8", "8b"], ["90"], ["8c"]]);
  });

  it("waits for the delay of the oldest request, and for no other bucket's", () => {
    const bench = new PaddingBench({ max: 4, capacity: 2, batching: { maxQueueDelayUs: 100 } });
    bench.sendLength("8");
    bench.clock.endTurn();
    bench.clock.advance(40);
    bench.sendLength("90");
    bench.clock.endTurn();
    bench.clock.advance(59);
    assert.deepEqual(bench.batches, []);
    bench.clock.advance(1);
    assert.deepEqual(bench.batches, [["8"]]);
    bench.clock.advance(39);
    assert.deepEqual(bench.batches, [["8"]]);
    bench.clock.advance(1);
    assert.deepEqual(bench.batches, [["8"], ["90"]]);
    bench.drain();
  });

  it("waits no longer when all buckets together would fill a batch", () => {
    const bench = new PaddingBench({ max: 4, batching: { maxQueueDelayUs: 1_000 } });
    for (const id of ["8", "90", "8b"]) bench.sendLength(id);
    bench.clock.endTurn();
    assert.deepEqual(bench.batches, []);
    bench.sendLength("91");
    bench.clock.endTurn();
    assert.deepEqual(bench.batches, [["8", "8b"]]);
    bench.drain();
  });

  it("lets nobody of a lower priority pass", () => {
    const bench = new PaddingBench({ max: 4, batching: { priorityLevels: 2, defaultPriorityLevel: 2 } });
    bench.keepBusy();
    bench.sendLength("8", { priority: 2 });
    bench.sendLength("90", { priority: 1 });
    bench.sendLength("8b", { priority: 1 });
    bench.sendLength("9", { priority: 1 });
    bench.sendLength("91", { priority: 2 });
    bench.drain();
    // 90 leaves alone: 91 would pass 8b and 9, which are of a higher level.
    assert.deepEqual(bench.batches, [["90"], ["8b", "9", "8"], ["91"]]);
  });

  it("lets nobody pass who was delayed by a timeout", () => {
    const policy = makeQueuePolicy({
      timeoutAction: "DELAY",
      defaultTimeoutUs: 50,
      allowTimeoutOverride: true,
    });
    const bench = new PaddingBench({ max: 4, batching: { defaultQueuePolicy: policy } });
    bench.keepBusy();
    bench.sendLength("9", { timeoutUs: 10 });
    bench.sendLength("8");
    bench.sendLength("90");
    bench.clock.advance(20);
    bench.drain();
    assert.deepEqual(bench.batches, [["8"], ["90"], ["9"]]);
  });

  it("gives responses in the order of the requests where that is asked for", () => {
    const bench = new PaddingBench({ batching: { preserveOrdering: true } });
    assert.deepEqual(batchesOf(bench, ["8", "90", "8b", "91"]), [
      ["8", "8b"],
      ["90", "91"],
    ]);
    assert.deepEqual(bench.answered, ["busy", "8", "90", "8b", "91"]);
  });

  it("passes nobody over under a latency target: too much padding ends the batch", () => {
    const bench = new PaddingBench({ batching: { preferredBatchSize: [], latencyTargetUs: 10_000 } });
    assert.deepEqual(batchesOf(bench, ["8", "7", "90", "8b"]), [["8", "7"], ["90"], ["8b"]]);
  });

  it("counts a cancelled request no more", () => {
    const bench = new PaddingBench();
    bench.keepBusy();
    const head = bench.sendLength("8");
    bench.sendLength("90");
    bench.sendLength("8b");
    bench.sendLength("91");
    head.request.cancel();
    bench.drain();
    assert.deepEqual(bench.batches, [["90", "91"], ["8b"]]);
  });
});
