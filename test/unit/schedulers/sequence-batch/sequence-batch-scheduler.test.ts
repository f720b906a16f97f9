import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { requestState } from "../../../../server/core/inference-request.ts";
import { failure } from "../../../../server/core/status.ts";
import { failureOf, SequenceBench } from "../../../helpers/sequence-bench.ts";
import { makeOldestStrategy } from "../../../helpers/model-config.ts";

const mustStart = (id: string): RegExp =>
  new RegExp(`sequence ${id} .*must specify the START flag on the first request of the sequence`);

/** What holds for both strategies is tested with both. */
const strategies = {
  direct: {},
  oldest: { strategy: makeOldestStrategy() },
};

for (const [name, batching] of Object.entries(strategies)) {
  describe(`SequenceBatchScheduler, strategy ${name}`, () => {
    it("refuses a batch of more than one row, or none (row 138)", () => {
      const bench = new SequenceBench({ batching });
      for (const batchSize of [0, 2]) {
        const { step } = bench.offer("a1", 1, "S");
        step.request.batchSize = batchSize;
        const refusal = bench.scheduler.enqueue(step.request);
        assert.equal(refusal?.code, "INVALID_ARG");
        assert.match(refusal.message, /must specify batch-size 1/);
      }
    });

    it("refuses a request without a correlation id (row 139)", () => {
      const bench = new SequenceBench({ batching });
      for (const id of [0, ""]) {
        const { refusal } = bench.offer("a1", id, "S");
        assert.equal(refusal?.code, "INVALID_ARG");
        assert.match(refusal.message, /must specify a non-zero or non-empty correlation ID/);
      }
    });

    it("refuses an unknown id without START, also after END (row 140)", () => {
      const bench = new SequenceBench({ batching });
      assert.match(bench.offer("a1", 7).refusal?.message ?? "", mustStart("7"));
      bench.sendNow("a1", 7, "S");
      bench.send("a2", 7, "E");
      assert.match(bench.offer("a3", 7).refusal?.message ?? "", mustStart("7"));
      bench.drain();
      assert.match(bench.offer("a3", 7).refusal?.message ?? "", mustStart("7"));
    });

    it("keeps ids apart that are equal only as text", () => {
      const bench = new SequenceBench({ batching });
      bench.send("a1", 7, "S");
      assert.match(bench.offer("b1", "7").refusal?.message ?? "", mustStart("7"));
      const big = 2n ** 63n;
      bench.send("c1", big, "S");
      assert.equal(bench.offer("c2", 2n ** 63n).refusal, null);
      bench.drain();
    });

    it("runs the requests of a sequence one at a time, in order", () => {
      const bench = new SequenceBench({ batching, capacity: 2 });
      bench.send("a1", 1, "S");
      bench.send("a2", 1);
      bench.sendNow("a3", 1, "E");
      assert.deepEqual(bench.batches(), [["a1"]]);
      bench.complete();
      assert.deepEqual(bench.batches(), [["a1"], ["a2"]]);
      bench.drain();
      assert.deepEqual(bench.batches(), [["a1"], ["a2"], ["a3"]]);
    });

    it("takes a sequence of one request, START and END at once (row 142)", () => {
      const bench = new SequenceBench({ max: 1, batching });
      const { sink } = bench.sendNow("a1", 1, "SE");
      bench.complete();
      assert.equal(sink.responses.length, 1);
      bench.sendNow("b1", 2, "S");
      assert.deepEqual(bench.batches(), [["a1"], ["b1"]]);
    });

    it("goes on in the same slot when a running sequence starts again, and says so (row 141)", () => {
      const bench = new SequenceBench({ max: 1, batching });
      const first = bench.sendNow("a1", 1, "S");
      bench.send("a2", 1);
      const again = bench.sendNow("b1", 1, "S");
      assert.equal(bench.warnings.length, 1);
      assert.match(bench.warnings[0] ?? "", /'m': sequence 1 started again before its END/);
      bench.send("b2", 1, "E");
      bench.drain();
      assert.deepEqual(bench.batches(), [["a1"], ["a2"], ["b1"], ["b2"]]);
      assert.equal(first.request.sequenceSlot, again.request.sequenceSlot);
      assert.deepEqual([first.sink.responses.length, again.sink.responses.length], [1, 1]);
    });

    it("keeps sequences without a slot in the backlog, and serves them in order (row 143)", () => {
      const bench = new SequenceBench({ max: 1, batching });
      bench.sendNow("a1", 1, "S");
      bench.send("b1", 2, "S");
      bench.send("c1", 3, "SE");
      bench.send("b2", 2, "E");
      bench.complete();
      assert.deepEqual(bench.batches(), [["a1"]]);
      assert.equal(bench.scheduler.queuedCount(), 3);
      bench.sendNow("a2", 1, "E");
      bench.drain();
      assert.deepEqual(bench.batches(), [["a1"], ["a2"], ["b1"], ["b2"], ["c1"]]);
      assert.equal(bench.scheduler.queuedCount(), 0);
    });

    it("lets an id be used again that has got its END in the backlog", () => {
      const bench = new SequenceBench({ max: 1, batching });
      bench.sendNow("x", 9, "S");
      bench.send("a1", 1, "S");
      bench.send("a2", 1, "E");
      bench.send("b1", 1, "S");
      assert.deepEqual(bench.warnings, []);
      bench.send("b2", 1, "E");
      bench.sendNow("y", 9, "E");
      bench.drain();
      assert.deepEqual(bench.batches(), [["x"], ["y"], ["a1"], ["a2"], ["b1"], ["b2"]]);
    });

    it("does not let a new sequence overtake the backlog", () => {
      const bench = new SequenceBench({ max: 1, batching });
      bench.sendNow("a1", 1, "SE");
      bench.send("b1", 2, "SE");
      // The slot is free from now on, but the pass that fills it has not come yet.
      bench.pool.complete(bench.lane());
      bench.send("c1", 3, "SE");
      bench.drain();
      assert.deepEqual(bench.batches(), [["a1"], ["b1"], ["c1"]]);
    });

    it("fills low slots first, over all instances", () => {
      const bench = new SequenceBench({ max: 2, lanes: 2, batching });
      for (const id of [1, 2, 3, 4]) bench.send(`s${id}`, id, "S");
      bench.clock.endTurn();
      assert.deepEqual(bench.batches(0), [["s1", "s3"]]);
      assert.deepEqual(bench.batches(1), [["s2", "s4"]]);
      bench.complete(0);
      bench.sendNow("end", 1, "E");
      bench.drain();
      const next = bench.sendNow("s5", 5, "S");
      assert.equal(next.request.sequenceSlot, 0);
      assert.deepEqual(
        bench
          .batches(0)
          .at(-1)
          ?.filter((id) => id !== "-"),
        ["s5"],
      );
    });

    it("keeps a sequence on its instance", () => {
      const bench = new SequenceBench({ max: 1, lanes: 2, batching });
      bench.send("a1", 1, "S");
      bench.sendNow("b1", 2, "S");
      bench.complete(0);
      bench.complete(1);
      bench.sendNow("b2", 2);
      assert.deepEqual(bench.batches(0), [["a1"]]);
      assert.deepEqual(bench.batches(1), [["b1"], ["b2"]]);
    });

    it("goes on with a sequence whose request failed", () => {
      const bench = new SequenceBench({ batching });
      const step = bench.sendNow("a1", 1, "S");
      bench.complete(0, failure("INTERNAL", "broken"));
      assert.equal(failureOf(step).message, "broken");
      bench.sendNow("a2", 1);
      assert.deepEqual(bench.batches(), [["a1"], ["a2"]]);
    });

    it("lets any number of sequences wait", () => {
      const bench = new SequenceBench({ max: 1, batching });
      for (let id = 1; id <= 3_000; id++) bench.send(`s${id}`, id, "SE");
      assert.equal(bench.scheduler.queuedCount(), 3_000);
      bench.drain();
      assert.deepEqual(
        bench.batches().flat(),
        Array.from({ length: 3_000 }, (_, i) => `s${i + 1}`),
      );
    });

    describe("idling", () => {
      it("ends a sequence that has nothing to do for too long, and gives its slot away (row 144)", () => {
        const bench = new SequenceBench({ max: 1, batching: { ...batching, maxSequenceIdleUs: 5_000 } });
        bench.sendNow("a1", 1, "S");
        bench.send("b1", 2, "SE");
        bench.complete();
        bench.clock.advance(4_999);
        assert.deepEqual(bench.batches(), [["a1"]]);
        bench.clock.advance(1);
        assert.deepEqual(bench.batches(), [["a1"], ["b1"]]);
        assert.match(bench.offer("a2", 1).refusal?.message ?? "", mustStart("1"));
      });

      it("counts from the last request", () => {
        const bench = new SequenceBench({ max: 1, batching: { ...batching, maxSequenceIdleUs: 5_000 } });
        bench.sendNow("a1", 1, "S");
        bench.complete();
        for (let i = 2; i < 6; i++) {
          bench.clock.advance(4_000);
          bench.sendNow(`a${i}`, 1);
          bench.complete();
        }
        bench.clock.advance(5_000);
        assert.match(bench.offer("a9", 1).refusal?.message ?? "", mustStart("1"));
      });

      it("does not count while a request is under way, or waits in the backlog", () => {
        const bench = new SequenceBench({ max: 1, batching: { ...batching, maxSequenceIdleUs: 5_000 } });
        bench.sendNow("a1", 1, "S");
        bench.sendNow("b1", 2, "S");
        bench.clock.advance(60_000);
        bench.complete();
        bench.sendNow("a2", 1, "E");
        bench.clock.advance(60_000);
        bench.complete();
        assert.deepEqual(bench.batches(), [["a1"], ["a2"], ["b1"]]);
        bench.complete();
        bench.clock.advance(4_999);
        assert.equal(bench.offer("b2", 2).refusal, null);
      });

      it("ends each of many sequences in its own time", () => {
        const bench = new SequenceBench({ max: 4, batching: { ...batching, maxSequenceIdleUs: 1_000 } });
        for (const id of [1, 2, 3]) {
          bench.sendNow(`s${id}`, id, "S");
          bench.complete();
          bench.clock.advance(300);
        }
        const open = (id: number): boolean => {
          const { refusal } = bench.offer("probe", id);
          bench.clock.endTurn();
          return refusal === null;
        };
        bench.clock.advance(100);
        assert.equal(open(1), false);
        assert.equal(open(2), true);
        bench.complete();
        bench.clock.advance(600);
        assert.deepEqual([open(3), open(2)], [false, true]);
      });
    });

    describe("timeouts", () => {
      it("fails all of a sequence that waited too long in the backlog, by its most impatient request", () => {
        const bench = new SequenceBench({ max: 1, batching });
        bench.sendNow("x", 9, "S");
        const steps = [
          bench.send("a1", 1, "S", { timeoutUs: 9_000 }),
          bench.send("a2", 1, "", { timeoutUs: 2_000 }),
          bench.send("a3", 1),
        ];
        const other = bench.send("b1", 2, "SE");
        bench.clock.advance(1_999);
        assert.ok(steps.every(({ sink }) => sink.answerCount === 0));
        bench.clock.advance(1);
        for (const step of steps) {
          assert.deepEqual(failureOf(step), {
            code: "UNAVAILABLE",
            isRejection: true,
            message: "timeout of the corresponding sequence has been expired",
          });
        }
        assert.match(bench.offer("a4", 1).refusal?.message ?? "", mustStart("1"));
        bench.sendNow("y", 9, "E");
        bench.drain();
        assert.equal(other.sink.responses.length, 1);
        assert.deepEqual(bench.batches(), [["x"], ["y"], ["b1"]]);
      });

      it("does not count for a sequence that has a slot", () => {
        const bench = new SequenceBench({ max: 1, batching });
        bench.sendNow("a1", 1, "S", { timeoutUs: 10 });
        const step = bench.send("a2", 1, "", { timeoutUs: 10 });
        bench.clock.advance(50_000);
        bench.complete();
        bench.complete();
        assert.equal(step.sink.responses.length, 1);
      });
    });

    describe("cancellation", () => {
      it("drops all of a sequence that waits in the backlog, and frees its id (row 157)", () => {
        const bench = new SequenceBench({ max: 1, batching });
        bench.sendNow("x", 9, "S");
        const [a1, a2] = [bench.send("a1", 1, "S"), bench.send("a2", 1)];
        a2.request.cancel();
        assert.equal(failureOf(a1).code, "CANCELLED");
        assert.equal(failureOf(a2).code, "CANCELLED");
        assert.notEqual(failureOf(a1).message, failureOf(a2).message);
        assert.match(bench.offer("a3", 1).refusal?.message ?? "", mustStart("1"));
        assert.equal(bench.scheduler.queuedCount(), 0);
        bench.sendNow("y", 9, "E");
        bench.drain();
        assert.deepEqual(bench.batches(), [["x"], ["y"]]);
      });

      it("drops what waits in a slot, lets the executing request end, and frees the slot (row 157)", () => {
        const bench = new SequenceBench({ max: 1, batching });
        const a1 = bench.sendNow("a1", 1, "S");
        const [a2, a3] = [bench.send("a2", 1), bench.send("a3", 1)];
        const other = bench.send("b1", 2, "SE");
        a3.request.cancel();
        assert.deepEqual([failureOf(a2).code, failureOf(a3).code], ["CANCELLED", "CANCELLED"]);
        assert.match(bench.offer("a4", 1).refusal?.message ?? "", mustStart("1"));
        assert.equal(a1.sink.answerCount, 0);
        bench.complete();
        assert.equal(a1.sink.responses.length, 1);
        bench.drain();
        assert.equal(other.sink.responses.length, 1);
      });

      it("drops only the run that the request belongs to when the sequence started again", () => {
        const bench = new SequenceBench({ max: 1, batching });
        bench.sendNow("a1", 1, "S");
        const old = bench.send("a2", 1);
        const again = bench.send("b1", 1, "S");
        old.request.cancel();
        assert.equal(failureOf(old).code, "CANCELLED");
        assert.equal(again.sink.answerCount, 0);
        bench.send("b2", 1, "E");
        bench.drain();
        assert.deepEqual(bench.batches(), [["a1"], ["b1"], ["b2"]]);
      });

      it("keeps the run before when the one that started again is dropped", () => {
        const bench = new SequenceBench({ max: 1, batching });
        bench.sendNow("a1", 1, "S");
        const old = bench.send("a2", 1);
        const again = bench.send("b1", 1, "S");
        again.request.cancel();
        assert.match(bench.offer("b2", 1).refusal?.message ?? "", mustStart("1"));
        bench.drain();
        assert.equal(old.sink.responses.length, 1);
        assert.equal(failureOf(again).code, "CANCELLED");
        bench.sendNow("c1", 2, "SE");
        assert.deepEqual(bench.batches(), [["a1"], ["a2"], ["c1"]]);
      });

      it("leaves executing requests alone", () => {
        const bench = new SequenceBench({ batching });
        const step = bench.sendNow("a1", 1, "S");
        assert.equal(step.request.state, requestState.executing);
        step.request.cancel();
        assert.equal(step.sink.answerCount, 0);
        bench.complete();
        assert.equal(step.sink.responses.length, 1);
        assert.equal(bench.offer("a2", 1).refusal, null);
        bench.drain();
      });

      it("cancels many sequences at once (row 158)", () => {
        const bench = new SequenceBench({ max: 2, batching });
        bench.send("x", 98, "S");
        bench.sendNow("y", 99, "S");
        const steps = Array.from({ length: 20 }, (_, i) =>
          bench.send(`s${i}`, (i % 10) + 1, i < 10 ? "S" : ""),
        );
        for (const { request } of steps) request.cancel();
        assert.ok(steps.every((step) => failureOf(step).code === "CANCELLED"));
        assert.equal(bench.scheduler.queuedCount(), 0);
        bench.drain();
      });
    });

    describe("shutdown", () => {
      it("refuses new sequences and serves open ones until their END (row 160)", () => {
        const bench = new SequenceBench({ max: 1, batching });
        bench.sendNow("a1", 1, "S");
        const waiting = bench.send("b1", 2, "SE");
        bench.scheduler.stop();
        assert.equal(bench.offer("c1", 3, "S").refusal?.code, "UNAVAILABLE");
        assert.equal(bench.offer("a9", 1, "S").refusal?.code, "UNAVAILABLE");
        const last = bench.sendNow("a2", 1, "E");
        bench.drain();
        assert.deepEqual([last.sink.responses.length, waiting.sink.responses.length], [1, 1]);
      });

      it("holds no timer for sequences that idle, except while others wait for their slots", () => {
        const bench = new SequenceBench({ max: 1, batching });
        bench.sendNow("a1", 1, "S");
        bench.complete();
        assert.equal(bench.clock.timerCount, 1);
        bench.scheduler.stop();
        assert.equal(bench.clock.timerCount, 0);

        const busy = new SequenceBench({ max: 1, batching });
        busy.sendNow("a1", 1, "S");
        const waiting = busy.sendNow("b1", 2, "SE");
        busy.complete();
        busy.scheduler.stop();
        busy.clock.advance(1_000_000);
        busy.drain();
        assert.equal(waiting.sink.responses.length, 1);
      });
    });

    describe("instances that die", () => {
      it("ends their sequences with an error and goes on with the others", () => {
        const bench = new SequenceBench({ max: 1, lanes: 2, batching });
        const a1 = bench.send("a1", 1, "S");
        const b1 = bench.sendNow("b1", 2, "S");
        const a2 = bench.send("a2", 1);
        const waiting = bench.send("c1", 3, "SE");
        bench.pool.crash(bench.lane(0));
        bench.clock.endTurn();
        assert.equal(failureOf(a1).code, "INTERNAL");
        assert.match(failureOf(a2).message, /has died.*start the sequence again/);
        assert.match(bench.offer("a3", 1).refusal?.message ?? "", mustStart("1"));
        assert.equal(waiting.sink.answerCount, 0);
        bench.complete(0);
        assert.equal(b1.sink.responses.length, 1);
        bench.sendNow("b2", 2, "E");
        bench.drain();
        assert.equal(waiting.sink.responses.length, 1);
      });

      it("gives the slots of the instance that takes their place to the backlog", () => {
        const bench = new SequenceBench({ max: 1, batching });
        bench.sendNow("a1", 1, "S");
        const waiting = bench.sendNow("b1", 2, "SE");
        bench.pool.crash(bench.lane(0));
        bench.clock.endTurn();
        const early = bench.sendNow("c1", 3, "SE");
        bench.pool.revive();
        bench.clock.endTurn();
        bench.drain();
        assert.deepEqual([waiting.sink.responses.length, early.sink.responses.length], [1, 1]);
      });

      it("fails a request that comes between the death and the notice of it", () => {
        const bench = new SequenceBench({ max: 1, batching });
        bench.sendNow("a1", 1, "S");
        bench.complete();
        bench.pool.crash(bench.lane(0));
        const late = bench.sendNow("a2", 1);
        assert.equal(failureOf(late).code, "INTERNAL");
      });

      it("fails everything when none is left, and refuses what comes then", () => {
        const bench = new SequenceBench({ max: 1, batching });
        bench.sendNow("a1", 1, "S");
        const steps = [bench.send("a2", 1), bench.send("b1", 2, "S")];
        const broken = failure("UNAVAILABLE", "No instance of the model is left");
        bench.pool.crash(bench.lane(0));
        bench.pool.breakDown(broken);
        bench.clock.endTurn();
        assert.ok(steps.every((step) => step.sink.failures.length === 1));
        assert.deepEqual(failureOf(steps[1]!), broken);
        assert.deepEqual(bench.offer("c1", 3, "S").refusal, broken);
        assert.equal(bench.scheduler.queuedCount(), 0);
      });
    });
  });
}
