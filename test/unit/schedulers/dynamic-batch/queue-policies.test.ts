import assert from "node:assert/strict";
import { describe, it } from "mocha";
import type { DynamicBatching } from "../../../../server/model-config/model-config.ts";
import { makeQueuePolicy } from "../../../helpers/model-config.ts";
import { SchedulerBench } from "../../../helpers/scheduler-bench.ts";

const levels = { priorityLevels: 3, defaultPriorityLevel: 2 };

/** One request per batch, so that the order of executions is the order of the queue. */
function benchOf(batching: Partial<DynamicBatching>, max = 1): SchedulerBench {
  return new SchedulerBench({ max, batching });
}

describe("DynamicBatchScheduler queue policies", () => {
  it("runs higher priorities first, and the default level for what names none (row 129)", () => {
    const bench = benchOf(levels);
    bench.keepBusy();
    bench.send("low", { priority: 3 });
    bench.send("default", { priority: 0 });
    bench.send("beyond", { priority: 9 });
    bench.send("high", { priority: 1 });
    bench.drain();
    assert.deepEqual(bench.batches.flat(), ["high", "default", "beyond", "low"]);
  });

  it("joins requests of several levels to one batch, the highest first", () => {
    const bench = benchOf(levels, 4);
    bench.keepBusy();
    for (const priority of [3, 2, 1, 3, 1]) bench.send(`p${priority}`, { priority });
    bench.drain();
    assert.deepEqual(bench.batches, [["p1", "p1", "p2", "p3"], ["p3"]]);
  });

  it("counts the queue delay from the oldest request of the batch, of whatever level", () => {
    const bench = benchOf({ ...levels, maxQueueDelayUs: 500 }, 4);
    bench.send("a", { priority: 3 });
    bench.clock.endTurn();
    bench.clock.advance(400);
    bench.send("b", { priority: 1 });
    bench.clock.endTurn();
    bench.clock.advance(99);
    assert.deepEqual(bench.batches, []);
    bench.clock.advance(1);
    assert.deepEqual(bench.batches, [["b", "a"]]);
  });

  it("refuses at once what a full queue has no room for, executing requests not counted (row 130) (row 166)", () => {
    const bench = benchOf({ defaultQueuePolicy: makeQueuePolicy({ maxQueueSize: 2 }) });
    bench.keepBusy();
    bench.send("a");
    bench.send("b");
    const { sent, refusal } = bench.offer("c");
    assert.deepEqual(refusal, { code: "UNAVAILABLE", message: "Exceeds maximum queue size" });
    assert.equal(bench.scheduler.queuedCount(), 2);
    bench.completeOldest();
    bench.send("d");
    bench.drain();
    assert.deepEqual(bench.batches.flat(), ["a", "b", "d"]);
    assert.equal(sent.sink.answerCount, 0);
  });

  it("rejects at its timeout what still waits, although every instance is busy (row 131)", () => {
    const bench = benchOf({ defaultQueuePolicy: makeQueuePolicy({ defaultTimeoutUs: 300 }) });
    const busy = bench.keepBusy();
    const { sink } = bench.send("a");
    bench.clock.endTurn();
    bench.clock.advance(299);
    assert.equal(sink.answerCount, 0);
    bench.clock.advance(1);
    assert.deepEqual(sink.failures, [
      { code: "UNAVAILABLE", isRejection: true, message: "Request timeout expired" },
    ]);
    assert.equal(busy.sink.answerCount, 0);
    assert.equal(bench.clock.timerCount, 0);
    bench.drain();
    assert.deepEqual(bench.batches, []);
  });

  it("never times out what executes", () => {
    const bench = benchOf({ defaultQueuePolicy: makeQueuePolicy({ defaultTimeoutUs: 300 }) });
    const { sink } = bench.keepBusy();
    bench.clock.advance(10_000);
    assert.equal(sink.answerCount, 0);
    bench.completeOldest();
    assert.equal(sink.responses.length, 1);
  });

  it("takes a shorter timeout from the request where it may, and no longer one (row 133)", () => {
    const policy = makeQueuePolicy({ defaultTimeoutUs: 300, allowTimeoutOverride: true });
    const bench = benchOf({ defaultQueuePolicy: policy });
    bench.keepBusy();
    const short = bench.send("short", { timeoutUs: 100 });
    const long = bench.send("long", { timeoutUs: 1_000 });
    bench.clock.endTurn();
    bench.clock.advance(100);
    assert.deepEqual([short.sink.answerCount, long.sink.answerCount], [1, 0]);
    bench.clock.advance(200);
    assert.equal(long.sink.answerCount, 1);
  });

  it("ignores the request's timeout without a default, and without permission (row 133)", () => {
    for (const policy of [{ allowTimeoutOverride: true }, { defaultTimeoutUs: 1_000 }]) {
      const bench = benchOf({ defaultQueuePolicy: makeQueuePolicy(policy) });
      bench.keepBusy();
      const { sink } = bench.send("a", { timeoutUs: 10 });
      bench.clock.endTurn();
      bench.clock.advance(999);
      assert.equal(sink.answerCount, 0);
      bench.drain();
      assert.equal(sink.responses.length, 1);
    }
  });

  it("runs delayed requests after all that are in time, and never rejects them (row 132)", () => {
    const policy = makeQueuePolicy({ timeoutAction: "DELAY", defaultTimeoutUs: 300 });
    const bench = benchOf({ defaultQueuePolicy: policy });
    bench.keepBusy();
    const late = bench.send("late");
    bench.clock.endTurn();
    bench.clock.advance(300);
    bench.send("in time");
    bench.drain();
    assert.deepEqual(bench.batches.flat(), ["in time", "late"]);
    assert.equal(late.sink.responses.length, 1);
  });

  it("gives each level its own policy", () => {
    const bench = benchOf({
      ...levels,
      defaultQueuePolicy: makeQueuePolicy({ defaultTimeoutUs: 300 }),
      priorityQueuePolicy: new Map([[1, makeQueuePolicy({ defaultTimeoutUs: 50 })]]),
    });
    bench.keepBusy();
    const first = bench.send("first", { priority: 1 });
    const other = bench.send("other", { priority: 2 });
    bench.clock.endTurn();
    bench.clock.advance(50);
    assert.deepEqual([first.sink.answerCount, other.sink.answerCount], [1, 0]);
    bench.clock.advance(250);
    assert.equal(other.sink.answerCount, 1);
  });

  it("answers a cancelled request CANCELLED, whatever level it waits in (row 156)", () => {
    const bench = benchOf({ ...levels, defaultQueuePolicy: makeQueuePolicy({ defaultTimeoutUs: 300 }) });
    bench.keepBusy();
    const { request, sink } = bench.send("a", { priority: 3 });
    bench.send("b", { priority: 3 });
    request.cancel();
    assert.equal(sink.failures[0]?.code, "CANCELLED");
    bench.drain();
    assert.deepEqual(bench.batches, [["b"]]);
    assert.equal(sink.answerCount, 1);
  });

  it("leaves no timer behind when the last waiting request is cancelled", () => {
    const bench = benchOf({ defaultQueuePolicy: makeQueuePolicy({ defaultTimeoutUs: 3_600_000_000 }) });
    bench.keepBusy();
    const { request } = bench.send("a");
    bench.clock.endTurn();
    assert.equal(bench.clock.timerCount, 1);
    request.cancel();
    assert.equal(bench.clock.timerCount, 0);
  });

  it("keeps at most one timer, however many requests have a timeout", () => {
    const bench = benchOf({ defaultQueuePolicy: makeQueuePolicy({ defaultTimeoutUs: 300 }) });
    bench.keepBusy();
    for (let i = 0; i < 20; i++) {
      bench.send(String(i));
      bench.clock.endTurn();
      bench.clock.advance(1);
      assert.equal(bench.clock.timerCount, 1);
    }
    bench.drain();
  });

  it("wakes for the next timeout while a batch waits for company", () => {
    const policy = makeQueuePolicy({ defaultTimeoutUs: 300 });
    const bench = benchOf({ maxQueueDelayUs: 500, defaultQueuePolicy: policy }, 4);
    const { sink } = bench.send("a");
    bench.clock.endTurn();
    bench.clock.advance(300);
    assert.equal(sink.failures[0]?.message, "Request timeout expired");
  });
});
