import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { type InferenceRequest, requestState } from "../../../../server/core/inference-request.ts";
import { failure } from "../../../../server/core/status.ts";
import { ModelStatistics } from "../../../../server/statistics/model-statistics.ts";
import { makeOldestStrategy } from "../../../helpers/model-config.ts";
import {
  failureOf,
  SequenceBench,
  type SequenceSketch,
  type SentStep,
} from "../../../helpers/sequence-bench.ts";

const idleUs = 5_000;
const startError = /must specify the START flag on the first request of the sequence/;

const strategies = {
  direct: {},
  oldest: { strategy: makeOldestStrategy() },
  "oldest, in order": { strategy: makeOldestStrategy({ preserveOrdering: true }) },
};

/** Ends the batch that runs with another run of its requests, and the turn. */
function again(bench: SequenceBench): void {
  bench.pool.reschedule(bench.lane());
  bench.clock.endTurn();
}

/** Ends the execution, but not its requests, and the turn. */
function hold(bench: SequenceBench): InferenceRequest[] {
  const held = bench.pool.hold(bench.lane());
  bench.clock.endTurn();
  return held;
}

/** The batches without their fillers. */
function batchesOf(bench: SequenceBench): string[][] {
  return bench.batches().map((batch) => batch.filter((id) => id !== "-"));
}

for (const [name, batching] of Object.entries(strategies)) {
  describe(`SequenceBatchScheduler with iterative sequences, strategy ${name}`, () => {
    const benchOf = (sketch: SequenceSketch = {}): SequenceBench =>
      new SequenceBench({
        ...sketch,
        batching: { ...batching, isIterative: true, maxSequenceIdleUs: idleUs },
      });

    it("makes each request without an id a sequence of its own, with START", () => {
      const bench = benchOf();
      const sent = ["a", "b"].map((id) => bench.send(id, id === "a" ? 0 : ""));
      bench.clock.endTurn();
      assert.deepEqual(bench.batches(), [["a", "b"]]);
      const ids = sent.map(({ request }) => request.correlationId);
      assert.equal(new Set(ids).size, 2);
      assert.ok(ids.every((id) => typeof id === "string" && id.length > 10));
      assert.ok(sent.every(({ request }) => request.isSequenceStart));
    });

    it("executes a rescheduled request again, in its slot, without START, as often as asked", () => {
      const bench = benchOf();
      const { request, sink } = bench.sendNow("a", 0);
      const { correlationId, sequenceSlot } = request;
      for (let run = 2; run <= 5; run++) {
        again(bench);
        assert.equal(bench.batches().length, run);
        assert.deepEqual(
          [request.state, request.isSequenceStart, request.correlationId, request.sequenceSlot],
          [requestState.executing, false, correlationId, sequenceSlot],
        );
        assert.equal(sink.answerCount, 0);
      }
      bench.complete();
      assert.equal(sink.answerCount, 1);
      assert.equal(request.rescheduleCount, 4);
    });

    it("ends the sequence with the answer, and gives its slot to the next one", () => {
      const bench = benchOf({ max: 1 });
      bench.sendNow("a", 0);
      bench.send("b", 0);
      again(bench);
      assert.deepEqual(bench.batches(), [["a"], ["a"]]);
      bench.complete();
      assert.deepEqual(bench.batches(), [["a"], ["a"], ["b"]]);
      bench.complete(0, failure("INTERNAL", "broken"));
      bench.sendNow("c", 0);
      assert.deepEqual(bench.batches().at(-1), ["c"]);
    });

    it("lets others join between the runs", () => {
      const bench = benchOf();
      const first = bench.sendNow("a", 0);
      const second = bench.send("b", 0);
      again(bench);
      assert.deepEqual(
        bench.batches().map((batch) => batch.sort()),
        [["a"], ["a", "b"]],
      );
      bench.complete();
      assert.deepEqual([first.sink.answerCount, second.sink.answerCount], [1, 1]);
    });

    it("serves ids of clients too: a request goes on before those that wait behind it", () => {
      const bench = benchOf();
      assert.match(bench.offer("a1", 7).refusal?.message ?? "", startError);
      bench.sendNow("a1", 7, "S");
      bench.send("a2", 7);
      again(bench);
      bench.complete();
      bench.complete();
      assert.deepEqual(batchesOf(bench), [["a1"], ["a1"], ["a2"]]);
      assert.match(bench.offer("a3", 7).refusal?.message ?? "", startError);
    });

    it("goes on after END, which says only that no other request follows", () => {
      const bench = benchOf({ max: 1 });
      const { sink } = bench.sendNow("a", 7, "SE");
      again(bench);
      bench.complete();
      assert.deepEqual([bench.batches(), sink.answerCount], [[["a"], ["a"]], 1]);
    });

    it("fails a rescheduled request whose sequence was reaped meanwhile, with the START error (row 149)", () => {
      const bench = benchOf({ max: 1 });
      const step = bench.sendNow("a", 0);
      const [request] = hold(bench);
      const waiting = bench.sendNow("b", 0);
      bench.clock.advance(idleUs - 1);
      assert.deepEqual(bench.batches(), [["a"]]);
      bench.clock.advance(1);
      assert.deepEqual(bench.batches(), [["a"], ["b"]]);
      request!.reschedule();
      assert.equal(failureOf(step).code, "INVALID_ARG");
      assert.match(failureOf(step).message, startError);
      bench.complete();
      assert.equal(waiting.sink.responses.length, 1);
      bench.sendNow("c", 0);
      assert.deepEqual(bench.batches(), [["a"], ["b"], ["c"]]);
    });

    it("does not reap what executes, waits, or was rescheduled in time", () => {
      const bench = benchOf({ max: 1 });
      const { sink } = bench.sendNow("a", 0);
      bench.clock.advance(3 * idleUs);
      for (let run = 0; run < 3; run++) {
        const [request] = hold(bench);
        bench.clock.advance(idleUs - 1);
        request!.reschedule();
        bench.clock.endTurn();
        bench.clock.advance(3 * idleUs);
      }
      bench.complete();
      assert.deepEqual([sink.responses.length, bench.batches().length], [1, 4]);
      bench.clock.advance(3 * idleUs);
    });

    it("passes the answer of a request on whose sequence was reaped", () => {
      const bench = benchOf({ max: 1 });
      const { sink } = bench.sendNow("a", 0);
      const [request] = hold(bench);
      bench.clock.advance(idleUs);
      request!.end();
      bench.sendNow("b", 0);
      bench.complete();
      bench.sendNow("c", 0);
      assert.deepEqual([sink.answerCount, bench.batches()], [1, [["a"], ["b"], ["c"]]]);
    });

    it("cancels a request between its runs, those that wait behind it too, and frees the slot", () => {
      const bench = benchOf({ max: 1 });
      const step = bench.sendNow("a", 7, "S");
      const behind = bench.send("a2", 7);
      bench.pool.reschedule(bench.lane());
      step.request.cancel();
      bench.clock.endTurn();
      assert.equal(failureOf(step).code, "CANCELLED");
      assert.equal(failureOf(behind).code, "CANCELLED");
      bench.sendNow("b", 0);
      assert.deepEqual(bench.batches(), [["a"], ["b"]]);
    });

    it("does not execute a request again whose client has gone while it ran", () => {
      const bench = benchOf({ max: 1 });
      const step = bench.sendNow("a", 0);
      step.request.cancel();
      again(bench);
      assert.equal(failureOf(step).code, "CANCELLED");
      bench.sendNow("b", 0);
      assert.deepEqual(bench.batches(), [["a"], ["b"]]);
    });

    it("fails a request whose instance dies between its runs", () => {
      const bench = benchOf({ max: 1 });
      const step = bench.sendNow("a", 0);
      const lane = bench.lane();
      bench.pool.reschedule(lane);
      bench.pool.crash(lane);
      bench.clock.endTurn();
      assert.match(
        failureOf(step).message,
        /instance (that served the sequence has died|ended unexpectedly)/,
      );
      bench.pool.revive();
      bench.sendNow("b", 0);
      assert.deepEqual(bench.batches(), [["b"]]);
    });

    it("goes on while the model is unloaded, and takes no new ones", () => {
      const bench = benchOf();
      const { sink } = bench.sendNow("a", 0);
      bench.scheduler.stop();
      assert.match(bench.offer("b", 0).refusal?.message ?? "", /being unloaded/);
      again(bench);
      const [request] = hold(bench);
      bench.clock.advance(3 * idleUs);
      request!.reschedule();
      bench.clock.endTurn();
      bench.complete();
      assert.deepEqual([sink.responses.length, bench.batches().length], [1, 3]);
    });

    it("is one request with the times of all its runs for the statistics", () => {
      const observed = benchOf();
      const statistics = new ModelStatistics();
      statistics.pendingCount = 1;
      const step = observedStep(observed, statistics);
      const run = (startUs: number): void => {
        statistics.onDispatch(1);
        step.request.computeStartUs = startUs;
        step.request.computeInputEndUs = startUs + 1;
        step.request.computeOutputStartUs = startUs + 11;
        step.request.computeEndUs = startUs + 13;
      };
      observed.clock.endTurn();
      const t0 = observed.clock.nowUs();
      run(t0 + 5);
      observed.clock.advance(50);
      observed.pool.reschedule(observed.lane());
      assert.equal(statistics.pendingCount, 1);
      observed.clock.endTurn();
      run(t0 + 57);
      observed.complete();
      assert.deepEqual(
        [statistics.pendingCount, statistics.successCount, statistics.inferenceCount],
        [0, 1, 1],
      );
      assert.deepEqual(
        [
          statistics.queueUs,
          statistics.computeInputUs,
          statistics.computeInferUs,
          statistics.computeOutputUs,
        ],
        [12, 2, 20, 4],
      );
      assert.equal(statistics.requestUs, 70);
    });
  });
}

/** A request that the statistics observe, offered now. */
function observedStep(bench: SequenceBench, statistics: ModelStatistics): SentStep {
  const { step } = bench.offer("refused", 7);
  const { request } = step;
  request.correlationId = 0;
  request.requestStartUs = bench.clock.nowUs();
  request.observer = statistics;
  assert.equal(bench.scheduler.enqueue(request), null);
  return step;
}
