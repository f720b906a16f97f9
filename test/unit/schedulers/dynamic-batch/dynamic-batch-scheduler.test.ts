import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { batchCompatibilityOf } from "../../../../schedulers/dynamic-batch/batch-compatibility.ts";
import { DynamicBatchScheduler } from "../../../../schedulers/dynamic-batch/dynamic-batch-scheduler.ts";
import { PreferredBatchSizes } from "../../../../schedulers/dynamic-batch/preferred-batch-size.ts";
import { requestState } from "../../../../server/core/inference-request.ts";
import { failure } from "../../../../server/core/status.ts";
import { ManualClock } from "../../../helpers/manual-clock.ts";
import { ManualInstancePool } from "../../../helpers/manual-instance-pool.ts";
import {
  fp32Tensor,
  makeRequest,
  type RecordingSink,
  type RequestSketch,
} from "../../../helpers/recorded-request.ts";

class Bench {
  readonly clock = new ManualClock();
  readonly pool: ManualInstancePool;
  readonly scheduler: DynamicBatchScheduler;
  readonly sinks: RecordingSink[] = [];

  constructor(
    init: { max?: number; preferred?: number[]; delayUs?: number; capacity?: number; dims?: number[] } = {},
  ) {
    const max = init.max ?? 4;
    this.pool = new ManualInstancePool(init.capacity ?? 1);
    this.scheduler = new DynamicBatchScheduler(
      {
        maxBatchSize: max,
        preferred: new PreferredBatchSizes(init.preferred ?? [max]),
        maxQueueDelayUs: init.delayUs ?? 0,
        isCompatible: batchCompatibilityOf([{ dims: init.dims ?? [4] }]),
      },
      this.pool,
      this.clock,
    );
  }

  send(id: string, sketch: RequestSketch = {}) {
    const { request, sink } = makeRequest({ id, ...sketch, queueStartUs: this.clock.nowUs() });
    this.sinks.push(sink);
    assert.equal(this.scheduler.enqueue(request), null);
    return { request, sink };
  }
}

describe("DynamicBatchScheduler", () => {
  it("joins the requests of one turn into one batch", () => {
    const bench = new Bench();
    for (const id of ["a", "b", "c"]) bench.send(id);
    assert.deepEqual(bench.pool.executedIds, []);
    bench.clock.endTurn();
    assert.deepEqual(bench.pool.executedIds, [["a", "b", "c"]]);
  });

  it("keeps requests while every instance is busy and joins them when one becomes free", () => {
    const bench = new Bench();
    bench.send("a");
    bench.clock.endTurn();
    for (const id of ["b", "c"]) {
      bench.send(id);
      bench.clock.endTurn();
    }
    assert.equal(bench.scheduler.queuedCount(), 2);
    bench.pool.completeOldest();
    bench.clock.endTurn();
    assert.deepEqual(bench.pool.executedIds, [["a"], ["b", "c"]]);
  });

  it("feeds all instances from one queue", () => {
    const bench = new Bench({ max: 2, capacity: 2 });
    for (const id of ["a", "b", "c", "d", "e"]) bench.send(id);
    bench.clock.endTurn();
    assert.deepEqual(bench.pool.executedIds, [
      ["a", "b"],
      ["c", "d"],
    ]);
    assert.equal(bench.scheduler.queuedCount(), 1);
  });

  it("waits the queue delay for company and sends what came when it is over", () => {
    const bench = new Bench({ delayUs: 500 });
    bench.send("a");
    bench.clock.endTurn();
    bench.clock.advance(499);
    assert.deepEqual(bench.pool.executedIds, []);
    bench.send("b");
    bench.clock.endTurn();
    bench.clock.advance(1);
    assert.deepEqual(bench.pool.executedIds, [["a", "b"]]);
    assert.equal(bench.clock.timerCount, 0);
  });

  it("does not wait when the largest preferred size is reached", () => {
    const bench = new Bench({ delayUs: 500, preferred: [2] });
    bench.send("a");
    bench.clock.endTurn();
    bench.send("b");
    bench.clock.endTurn();
    assert.deepEqual(bench.pool.executedIds, [["a", "b"]]);
  });

  it("keeps at most one timer, however many requests wait", () => {
    const bench = new Bench({ delayUs: 500, max: 64 });
    for (let i = 0; i < 20; i++) {
      bench.send(String(i));
      bench.clock.endTurn();
      bench.clock.advance(1);
    }
    assert.equal(bench.clock.timerCount, 1);
  });

  it("never joins requests whose variable dimensions differ", () => {
    const bench = new Bench({ dims: [-1] });
    bench.send("a", { inputs: [fp32Tensor("x", [1, 2], [1, 2])] });
    bench.send("b", { inputs: [fp32Tensor("x", [1, 2], [1, 2])] });
    bench.send("c", { inputs: [fp32Tensor("x", [1, 3], [1, 2, 3])] });
    bench.send("d", { inputs: [fp32Tensor("x", [1, 2], [1, 2])] });
    bench.clock.endTurn();
    for (let i = 0; i < 2; i++) {
      bench.pool.completeOldest();
      bench.clock.endTurn();
    }
    assert.deepEqual(bench.pool.executedIds, [["a", "b"], ["c"], ["d"]]);
  });

  it("drops a cancelled request from the queue at once and answers it CANCELLED", () => {
    const bench = new Bench();
    bench.send("a");
    bench.clock.endTurn();
    const { request, sink } = bench.send("b");
    bench.send("c");
    request.cancel();
    assert.deepEqual(
      sink.failures.map(({ code }) => code),
      ["CANCELLED"],
    );
    request.cancel();
    bench.pool.completeOldest();
    bench.clock.endTurn();
    assert.deepEqual(bench.pool.executedIds, [["a"], ["c"]]);
    assert.equal(sink.answerCount, 1);
  });

  it("lets an executing request that is cancelled run to its end", () => {
    const bench = new Bench();
    const { request, sink } = bench.send("a");
    bench.clock.endTurn();
    assert.equal(request.state, requestState.executing);
    request.cancel();
    assert.equal(sink.answerCount, 0);
    bench.pool.completeOldest();
    assert.equal(sink.answerCount, 1);
  });

  it("refuses new requests after stop and still runs the accepted ones", () => {
    const bench = new Bench();
    const { sink } = bench.send("a");
    bench.scheduler.stop();
    assert.equal(bench.scheduler.enqueue(makeRequest().request)?.code, "UNAVAILABLE");
    bench.clock.endTurn();
    bench.pool.completeOldest();
    assert.equal(sink.responses.length, 1);
  });

  it("fails what it holds, and refuses the rest, when no instance is left", () => {
    const bench = new Bench();
    bench.send("a");
    bench.clock.endTurn();
    const { sink } = bench.send("b");
    bench.clock.endTurn();
    bench.pool.broken = failure("UNAVAILABLE", "all gone");
    bench.pool.notify();
    bench.clock.endTurn();
    assert.deepEqual(sink.failures, [failure("UNAVAILABLE", "all gone")]);
    assert.equal(bench.scheduler.enqueue(makeRequest().request)?.message, "all gone");
  });

  it("answers every request of a random schedule exactly once, in batches that respect the limits", () => {
    // A small linear congruential generator: the schedule is the same in every run.
    let seed = 42;
    const random = (below: number): number => {
      seed = (seed * 1103515245 + 12345) % 2147483648;
      return Math.floor((seed / 2147483648) * below);
    };
    for (let round = 0; round < 50; round++) {
      const max = 1 + random(8);
      const bench = new Bench({ max, capacity: 1 + random(3), delayUs: random(2) * 300 });
      const sent: ReturnType<Bench["send"]>[] = [];
      for (let step = 0; step < 200; step++) {
        const action = random(5);
        if (action <= 1) sent.push(bench.send(String(sent.length), { batchSize: 1 + random(max) }));
        else if (action === 2 && bench.pool.running.length > 0) bench.pool.completeOldest();
        else if (action === 3 && sent.length > 0) sent[random(sent.length)]?.request.cancel();
        else bench.clock.advance(random(200));
        bench.clock.endTurn();
      }
      while (bench.pool.running.length > 0 || bench.scheduler.queuedCount() > 0) {
        if (bench.pool.running.length > 0) bench.pool.completeOldest();
        bench.clock.endTurn();
        bench.clock.advance(1_000);
      }
      for (const { sink } of sent) assert.equal(sink.answerCount, 1);
      for (const batch of bench.pool.executed) {
        assert.ok(batch.reduce((sum, request) => sum + request.batchSize, 0) <= max);
      }
      const order = bench.pool.executedIds.flat().map(Number);
      assert.deepEqual(
        order,
        order.toSorted((a, b) => a - b),
      );
    }
  });
});
