import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { requestState } from "../../../../server/core/inference-request.ts";
import { failure } from "../../../../server/core/status.ts";
import { makeInput } from "../../../helpers/model-config.ts";
import { fp32Tensor, makeRequest } from "../../../helpers/recorded-request.ts";
import { SchedulerBench } from "../../../helpers/scheduler-bench.ts";

class Bench extends SchedulerBench {
  constructor(
    init: { max?: number; preferred?: number[]; delayUs?: number; capacity?: number; dims?: number[] } = {},
  ) {
    const max = init.max ?? 4;
    super({
      max,
      capacity: init.capacity ?? 1,
      batching: { preferredBatchSize: init.preferred ?? [max], maxQueueDelayUs: init.delayUs ?? 0 },
      config: { input: [makeInput("x", { dims: init.dims ?? [4] })] },
    });
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
});
