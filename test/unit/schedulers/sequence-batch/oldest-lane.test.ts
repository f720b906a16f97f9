import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { makeOldestStrategy } from "../../../helpers/model-config.ts";
import { failureOf, SequenceBench, type SequenceSketch } from "../../../helpers/sequence-bench.ts";

function oldest(
  parts: Parameters<typeof makeOldestStrategy>[0],
  sketch: Omit<SequenceSketch, "batching"> = {},
): SequenceBench {
  return new SequenceBench({ max: 4, ...sketch, batching: { strategy: makeOldestStrategy(parts) } });
}

describe("OldestLane", () => {
  it("joins requests of different sequences, at most one of each, without fillers", () => {
    const bench = oldest({ maxCandidateSequences: 10 });
    for (const id of [1, 2, 3]) {
      bench.send(`${id}a`, id, "S");
      bench.send(`${id}b`, id);
    }
    bench.clock.endTurn();
    assert.deepEqual(bench.batches(), [["1a", "2a", "3a"]]);
    bench.complete();
    assert.deepEqual(bench.batches().at(-1), ["1b", "2b", "3b"]);
  });

  it("serves more sequences than a batch has rows", () => {
    const bench = oldest({ maxCandidateSequences: 10 });
    for (let id = 1; id <= 12; id++) bench.send(`s${id}`, id, "S");
    bench.clock.endTurn();
    assert.deepEqual(bench.batches(), [["s1", "s2", "s3", "s4"]]);
    bench.complete();
    bench.complete();
    bench.complete();
    assert.deepEqual(bench.batches().at(-1), ["s9", "s10"]);
    assert.equal(bench.scheduler.queuedCount(), 2);
  });

  it("has as many candidates as the batch has rows unless it is told otherwise", () => {
    const bench = oldest({ maxCandidateSequences: 0 });
    for (let id = 1; id <= 6; id++) bench.sendNow(`s${id}`, id, "S");
    bench.complete();
    bench.complete();
    // s5 and s6 wait for a slot, not for the instance.
    assert.deepEqual(bench.batches(), [["s1"], ["s2", "s3", "s4"]]);
    assert.equal(bench.scheduler.queuedCount(), 2);
  });

  it("waits for a preferred batch size, no longer than the delay", () => {
    const bench = oldest({ preferredBatchSize: [2], maxQueueDelayUs: 5_000 });
    bench.sendNow("a1", 1, "S");
    assert.deepEqual(bench.batches(), []);
    bench.sendNow("b1", 2, "S");
    assert.deepEqual(bench.batches(), [["a1", "b1"]]);
    bench.complete();
    bench.sendNow("a2", 1);
    bench.clock.advance(4_999);
    assert.equal(bench.batches().length, 1);
    bench.clock.advance(1);
    assert.deepEqual(bench.batches().at(-1), ["a2"]);
  });

  it("forms a batch ahead for an instance that takes one, of other sequences", () => {
    const bench = oldest({ maxCandidateSequences: 10 }, { capacity: 2 });
    bench.send("a1", 1, "S");
    bench.sendNow("a2", 1);
    bench.sendNow("b1", 2, "S");
    assert.deepEqual(bench.batches(), [["a1"], ["b1"]]);
  });

  it("keeps the order of responses of an instance where that is asked for", () => {
    for (const preserveOrdering of [true, false]) {
      const bench = oldest({ maxCandidateSequences: 10, preserveOrdering }, { capacity: 2 });
      const first = bench.sendNow("a1", 1, "S");
      const second = bench.sendNow("b1", 2, "S");
      // The later batch ends first, as it may with a backend that answers each request by itself.
      bench.lane().running.reverse();
      bench.complete();
      assert.equal(second.sink.answerCount, preserveOrdering ? 0 : 1);
      bench.complete();
      assert.deepEqual([first.sink.responses.length, second.sink.responses.length], [1, 1]);
    }
  });

  it("drops the rest of a sequence whose request is cancelled while it waits for the instance (row 157)", () => {
    const bench = oldest({ maxCandidateSequences: 10 });
    bench.sendNow("x", 9, "S");
    const [a1, a2] = [bench.sendNow("a1", 1, "S"), bench.sendNow("a2", 1)];
    const other = bench.sendNow("b1", 2, "SE");
    a1.request.cancel();
    assert.deepEqual([failureOf(a1).code, failureOf(a2).code], ["CANCELLED", "CANCELLED"]);
    assert.match(bench.offer("a3", 1).refusal?.message ?? "", /START flag/);
    bench.drain();
    assert.deepEqual(bench.batches(), [["x"], ["b1"]]);
    assert.equal(other.sink.responses.length, 1);
  });

  it("goes on with the run behind one that is cancelled while it waits for the instance", () => {
    const bench = oldest({ maxCandidateSequences: 10 });
    bench.sendNow("x", 9, "S");
    const [a1, a2] = [bench.sendNow("a1", 1, "S"), bench.sendNow("a2", 1)];
    const again = bench.sendNow("b1", 1, "SE");
    a1.request.cancel();
    assert.deepEqual([failureOf(a1).code, failureOf(a2).code], ["CANCELLED", "CANCELLED"]);
    bench.drain();
    assert.equal(again.sink.responses.length, 1);
    assert.deepEqual(bench.batches(), [["x"], ["b1"]]);
  });
});
