import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { LatencyTarget } from "../../../../schedulers/dynamic-batch/latency-target.ts";
import { FifoRequestQueue } from "../../../../schedulers/queue/fifo-request-queue.ts";
import { ManualInstancePool } from "../../../helpers/manual-instance-pool.ts";
import { makeInput } from "../../../helpers/model-config.ts";
import { fp32Tensor, makeRequest } from "../../../helpers/recorded-request.ts";
import { SchedulerBench, type SentRequest } from "../../../helpers/scheduler-bench.ts";

const targetUs = 10_000;
/** What a scheduler adds to each execution. */
const handOverUs = 200;
/** What it keeps free when a batch waits. */
const reserveUs = 500;

/** A model whose executions take 1 ms and 0.5 ms for each row, unless a test says otherwise. */
class Bench extends SchedulerBench {
  constructor(
    init: {
      max?: number;
      capacity?: number;
      dims?: number[];
      preserveOrdering?: boolean;
      latencyTargetUs?: number;
    } = {},
  ) {
    super({
      max: init.max ?? 8,
      capacity: init.capacity ?? 1,
      batching: {
        preferredBatchSize: [],
        latencyTargetUs: init.latencyTargetUs ?? targetUs,
        preserveOrdering: init.preserveOrdering ?? false,
      },
      config: { input: [makeInput("x", { dims: init.dims ?? [4] })] },
    });
  }

  static executionUs(rows: number): number {
    return 1_000 + 500 * rows;
  }

  /** Shows the scheduler how long batches of these sizes take. */
  teach(...sizes: number[]): this {
    for (const rows of sizes) {
      this.send("busy", { batchSize: rows });
      this.clock.endTurn();
      // With something known already, it may wait for company.
      while (this.pool.running.length === 0) this.clock.advance(100);
      this.end();
    }
    return this;
  }

  /** Ends the oldest batch. */
  end(executionUs?: number): void {
    const rows = this.pool.running[0]?.reduce((sum, { batchSize }) => sum + batchSize, 0) ?? 0;
    this.pool.completeOldest(executionUs ?? Bench.executionUs(rows));
    this.clock.endTurn();
  }
}

/** A queue that notes which positions it was asked for. */
function countedQueue(length: number): { queue: FifoRequestQueue; positions: number[] } {
  const positions: number[] = [];
  const queue = new (class extends FifoRequestQueue {
    override peek(position = 0): ReturnType<FifoRequestQueue["peek"]> {
      positions.push(position);
      return super.peek(position);
    }
  })();
  for (let i = 0; i < length; i++) queue.push(makeRequest().request);
  return { queue, positions };
}

describe("LatencyTarget", () => {
  it("sends at once while nothing is known of the model", () => {
    const bench = new Bench();
    bench.send("a");
    bench.clock.endTurn();
    assert.deepEqual(bench.batches, [["a"]]);
  });

  it("waits for company as long as the oldest request's target allows", () => {
    const bench = new Bench().teach(1, 2, 8);
    bench.send("a");
    bench.clock.endTurn();
    // Time must be left for an execution of two rows: that of the next request as well.
    const waitUs = targetUs - handOverUs - reserveUs - Bench.executionUs(2);
    bench.clock.advance(waitUs - 1);
    assert.deepEqual(bench.batches, []);
    bench.clock.advance(1);
    assert.deepEqual(bench.batches, [["a"]]);
  });

  it("waits less for a larger batch, which takes longer", () => {
    const bench = new Bench().teach(1, 2, 8);
    bench.send("a");
    bench.clock.endTurn();
    bench.clock.advance(1_000);
    for (const id of ["b", "c"]) bench.send(id);
    bench.clock.endTurn();
    bench.clock.advance(targetUs - handOverUs - reserveUs - Bench.executionUs(4) - 1_000 - 1);
    assert.deepEqual(bench.batches, []);
    bench.clock.advance(1);
    assert.deepEqual(bench.batches, [["a", "b", "c"]]);
  });

  it("does not wait for a full batch, nor for one that cannot grow", () => {
    const full = new Bench({ max: 2 }).teach(1, 2);
    for (const id of ["a", "b", "c"]) full.send(id);
    full.clock.endTurn();
    assert.deepEqual(full.batches, [["a", "b"]]);

    const variable = new Bench({ dims: [-1] });
    variable.send("busy", { inputs: [fp32Tensor("x", [1, 1], [1])] });
    variable.clock.endTurn();
    variable.end();
    variable.send("a", { inputs: [fp32Tensor("x", [1, 2], [1, 2])] });
    variable.send("b", { inputs: [fp32Tensor("x", [1, 3], [1, 2, 3])] });
    variable.clock.endTurn();
    assert.deepEqual(variable.batches, [["a"]]);
  });

  it("makes a batch only as large as the oldest request can bear", () => {
    const bench = new Bench({ max: 8 }).teach(1, 8);
    const busy = bench.send("busy", { batchSize: 8 });
    bench.clock.endTurn();
    for (let i = 0; i < 7; i++) bench.send(String(i));
    bench.clock.endTurn();
    // The instance was slow this time, and only 3 ms are left: by what is expected now, enough for three rows.
    bench.clock.advance(targetUs - handOverUs - 3_000);
    bench.end();
    assert.equal(busy.sink.answerCount, 1);
    assert.equal(bench.batches[0]?.length, 3);
  });

  it("refuses at once what could not be answered in time, and says why", () => {
    const bench = new Bench({ max: 4 }).teach(1, 4);
    const fullUs = Bench.executionUs(4);
    bench.send("busy", { batchSize: 4 });
    bench.clock.endTurn();
    // Three full batches of 3 ms each are what the target has room for; one of them runs.
    const accepted: SentRequest[] = [];
    let refusal = null;
    for (let i = 0; i < 100 && refusal === null; i++) {
      const offered = bench.offer(String(i));
      refusal = offered.refusal;
      if (refusal === null) accepted.push(offered.sent);
    }
    assert.equal(accepted.length, 4 * Math.floor((targetUs - handOverUs - fullUs) / fullUs));
    assert.deepEqual(refusal, {
      code: "UNAVAILABLE",
      isRejection: true,
      message: `Request cannot be answered within the latency target of ${targetUs} µs: too much is waiting already`,
    });
    for (let round = 0; round < 3; round++) {
      bench.clock.advance(fullUs);
      bench.end();
    }
    for (const { sink } of accepted) assert.equal(sink.responses.length, 1);
  });

  it("does not look through a queue that is too long anyway", () => {
    const { queue, positions } = countedQueue(1_000);
    const pool = new ManualInstancePool(1);
    const rules = { latencyTargetUs: targetUs, maxBatchSize: 4, isCompatible: null, padding: null };
    const target = new LatencyTarget(rules, pool, () => 0);
    pool.execute([makeRequest({ batchSize: 4 }).request]);
    pool.completeOldest(1_000);
    assert.notEqual(target.admit(makeRequest().request, queue, 0), null);
    assert.ok(positions.length < 60, String(positions.length));
  });

  it("counts all instances when it looks ahead", () => {
    const admitted = (capacity: number): number => {
      const bench = new Bench({ max: 4, capacity }).teach(1, 4);
      for (let i = 0; i < 1_000; i++) {
        if (bench.offer(String(i)).refusal !== null) return i;
        bench.clock.endTurn();
      }
      return Number.POSITIVE_INFINITY;
    };
    assert.equal(admitted(2), 2 * admitted(1));
  });

  it("gives up what has become hopeless while it waited, although the instance is busy", () => {
    const bench = new Bench().teach(1, 8);
    bench.send("busy", { batchSize: 8 });
    bench.clock.endTurn();
    const { sink } = bench.send("a");
    bench.clock.endTurn();
    bench.clock.advance(targetUs - Bench.executionUs(1));
    assert.equal(sink.answerCount, 0);
    bench.clock.advance(1);
    assert.equal(sink.failures[0]?.code, "UNAVAILABLE");
    assert.equal(bench.clock.timerCount, 0);
    bench.end(50_000);
    assert.deepEqual(bench.batches, []);
  });

  it("does not give up what only waited for company, when its timer was late", () => {
    const bench = new Bench().teach(1, 2, 8);
    // The loop was blocked until its time was over.
    bench.send("a");
    bench.clock.endTurn();
    bench.send("b");
    const lateUs = bench.clock.nowUs() + targetUs;
    bench.clock.nowUs = () => lateUs;
    bench.clock.endTurn();
    assert.deepEqual(bench.batches, [["a", "b"]]);
  });

  it("tries again after a pause, when the model was too slow for the target", () => {
    const bench = new Bench();
    bench.send("busy");
    bench.clock.endTurn();
    bench.end(5 * targetUs);
    assert.notEqual(bench.offer("refused").refusal, null);
    bench.clock.advance(10 * targetUs + 1);
    bench.send("a");
    bench.clock.endTurn();
    assert.deepEqual(bench.batches, [["a"]]);
    bench.end();
    bench.send("b");
    bench.drain();
  });

  it("keeps the order of responses where that is asked for", () => {
    const bench = new Bench({ max: 1, capacity: 2, preserveOrdering: true }).teach(1);
    for (const id of ["a", "b"]) bench.send(id);
    bench.clock.endTurn();
    bench.pool.running.reverse();
    bench.end();
    assert.deepEqual(bench.answered.slice(1), []);
    bench.end();
    assert.deepEqual(bench.answered.slice(1), ["a", "b"]);
  });

  it("works near the model's peak at twice its capacity, with next to no request late", () => {
    const { goodput, lateShare, meanRows } = runOverload({ executionUs: (rows) => Bench.executionUs(rows) });
    assert.ok(goodput > 0.95, `goodput ${goodput}`);
    assert.ok(lateShare < 0.01, `late ${lateShare}`);
    assert.ok(meanRows > 6.9, `rows ${meanRows}`);
  });

  // Once a request was late, batches were cut for the next ones, and stayed small: 0.5 to 0.9 of the peak.
  for (const { spread, slowShare, least } of [
    { spread: 0.1, slowShare: 0, least: 0.97 },
    { spread: 0.2, slowShare: 0.02, least: 0.95 },
    { spread: 0.3, slowShare: 0.05, least: 0.9 },
  ]) {
    it(`keeps batches full and promises when executions vary by ${spread} and ${slowShare} of them are slow`, () => {
      const random = seededRandom(7);
      const executionUs = (rows: number): number => {
        const usualUs = Bench.executionUs(rows) * (1 + spread * (random() - 0.5));
        return random() < slowShare ? usualUs * (1 + 2 * random()) : usualUs;
      };
      const { goodput, lateShare, meanRows } = runOverload({ executionUs, targetUs: 40_000 });
      assert.ok(goodput > least, `goodput ${goodput}`);
      assert.ok(lateShare < 0.01, `late ${lateShare}`);
      assert.ok(meanRows > 6.9, `rows ${meanRows}`);
    });
  }
});

function seededRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

/** Twice as many requests as the model can answer in full batches of eight, at equal distances: eight seconds, the first two to learn. */
function runOverload(init: { executionUs(rows: number): number; targetUs?: number }): {
  /** Requests answered in time ÷ what the model can do. */
  goodput: number;
  /** Admitted requests that were answered late, or not at all, ÷ all admitted. */
  lateShare: number;
  /** Rows of a batch. */
  meanRows: number;
} {
  const max = 8;
  const latencyTargetUs = init.targetUs ?? targetUs;
  const bench = new Bench({ max, latencyTargetUs }).teach(1, 4, 8);
  let fullUs = 0;
  for (let i = 0; i < 1_000; i++) fullUs += init.executionUs(max) / 1_000;
  const startUs = bench.clock.nowUs() + 2_000_000;
  const spanUs = 6_000_000;
  const gapUs = fullUs / max / 2;
  let executionUs = 0;
  let batchEndUs = Number.POSITIVE_INFINITY;
  const counts = { admitted: 0, inTime: 0, late: 0, batches: 0, rows: 0 };
  const givenUp: SentRequest[] = [];
  bench.pool.onExecute = (batch) => {
    executionUs = init.executionUs(batch.length);
    batchEndUs = bench.clock.nowUs() + executionUs;
    counts.batches++;
    counts.rows += batch.length;
  };
  let nextArrivalUs = bench.clock.nowUs();
  while (bench.clock.nowUs() < startUs + spanUs) {
    const nextUs = Math.min(nextArrivalUs, batchEndUs);
    bench.clock.advance(Math.max(0, nextUs - bench.clock.nowUs()));
    if (nextUs === batchEndUs) {
      batchEndUs = Number.POSITIVE_INFINITY;
      for (const { queueStartUs } of bench.pool.running[0]!) {
        if (queueStartUs < startUs) continue;
        if (bench.clock.nowUs() - queueStartUs > latencyTargetUs) counts.late++;
        else counts.inTime++;
      }
      bench.end(executionUs);
    } else {
      const { sent, refusal } = bench.offer(String(nextArrivalUs));
      if (refusal === null && nextArrivalUs >= startUs) {
        counts.admitted++;
        givenUp.push(sent);
      }
      nextArrivalUs += gapUs;
      bench.clock.endTurn();
    }
  }
  const givenUpCount = givenUp.filter(({ sink }) => sink.failures.length > 0).length;
  return {
    goodput: counts.inTime / spanUs / (max / fullUs),
    lateShare: (counts.late + givenUpCount) / counts.admitted,
    meanRows: counts.rows / counts.batches,
  };
}
