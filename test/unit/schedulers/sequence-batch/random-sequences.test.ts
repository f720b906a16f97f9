import assert from "node:assert/strict";
import { describe, it } from "mocha";
import type { InferenceRequest } from "../../../../server/core/inference-request.ts";
import { makeOldestStrategy } from "../../../helpers/model-config.ts";
import type { ManualLane } from "../../../helpers/manual-lane-pool.ts";
import { type SentStep, SequenceBench, type SequenceFlags } from "../../../helpers/sequence-bench.ts";

const scheduleCount = 2_000;
const stepCount = 120;
const idCount = 6;
const idleUs = 20_000;

/** Small, seeded and good enough: a failure names its seed, which brings it back. */
function randomSource(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

/** A request as the schedule knows it. Ids are "<run>:<number>". */
interface Accepted {
  readonly step: SentStep;
  readonly run: string;
  readonly number: number;
}

/** One random schedule, and what must hold while it runs. */
class Schedule {
  readonly #random: (below: number) => number;
  readonly #bench: SequenceBench;
  readonly #slotCount: number;
  readonly #accepted: Accepted[] = [];
  /** The run that each id belongs to, and its requests so far, as far as the clients know. */
  readonly #runs = new Map<number, { readonly run: string; count: number }>();
  #runCount = 0;
  /** Batches that have been looked at, by instance. */
  readonly #seen = new Map<ManualLane, number>();
  readonly #lastNumber = new Map<string, number>();
  readonly #placeOf = new Map<string, string>();
  readonly #runAt = new Map<string, string>();
  readonly #gone = new Set<string>();

  constructor(seed: number) {
    this.#random = randomSource(seed);
    const isDirect = this.#random(2) === 0;
    const max = this.#random(4);
    const candidates = this.#random(6);
    const delayUs = this.#random(2) * 500;
    this.#bench = new SequenceBench({
      max,
      lanes: 1 + this.#random(3),
      capacity: 1 + this.#random(2),
      batching: {
        maxSequenceIdleUs: idleUs,
        strategy: isDirect
          ? { kind: "direct", maxQueueDelayUs: delayUs, minimumSlotUtilization: this.#random(3) / 2 }
          : makeOldestStrategy({ maxCandidateSequences: candidates, maxQueueDelayUs: delayUs }),
      },
    });
    this.#slotCount = isDirect || candidates === 0 ? Math.max(1, max) : candidates;
  }

  run(): void {
    for (let i = 0; i < stepCount; i++) {
      this.#step();
      this.#checkBatches();
    }
    for (const id of this.#runs.keys()) this.#send(id, "E");
    this.#bench.drain();
    this.#checkBatches();
    this.#checkAnswers();
    this.#checkSlots();
  }

  #step(): void {
    const lanes = this.#bench.pool.lanes();
    switch (this.#random(12)) {
      case 0:
        this.#bench.clock.advance(this.#random(3) * 700);
        return;
      case 1:
        this.#bench.clock.endTurn();
        return;
      case 2:
      case 3:
      case 4: {
        const busy = lanes.filter((lane) => lane.batchesUnderWay > 0);
        const lane = busy[this.#random(Math.max(1, busy.length))];
        if (lane !== undefined) this.#bench.pool.complete(lane);
        return;
      }
      case 5: {
        const some = this.#accepted[this.#random(Math.max(1, this.#accepted.length))];
        if (this.#random(3) === 0) some?.step.request.cancel();
        return;
      }
      case 6:
        if (this.#random(20) !== 0) return;
        if (this.#random(3) === 0) this.#bench.clock.advance(idleUs);
        else if (lanes[0] !== undefined) {
          this.#bench.pool.crash(lanes[this.#random(lanes.length)] ?? lanes[0]);
          this.#bench.pool.revive();
        }
        return;
      default:
        this.#send(1 + this.#random(idCount), (["", "", "", "S", "E", "SE"] as const)[this.#random(6)] ?? "");
    }
  }

  /** What is refused was no sequence any more: then it begins with the next START. */
  #send(id: number, flags: SequenceFlags): void {
    const isStart = flags.includes("S");
    const known = this.#runs.get(id);
    const now = isStart || known === undefined ? { run: `r${++this.#runCount}`, count: 0 } : known;
    const timeoutUs = this.#random(4) === 0 ? 3_000 : 0;
    const { step, refusal } = this.#bench.offer(`${now.run}:${now.count}`, id, flags, { timeoutUs });
    if (refusal !== null) {
      assert.match(refusal.message, /START flag/);
      assert.equal(isStart, false, "a START was refused");
      this.#runs.delete(id);
      return;
    }
    assert.ok(isStart || known !== undefined, "a sequence without START was accepted");
    this.#accepted.push({ step, run: now.run, number: now.count });
    now.count++;
    if (flags.includes("E")) this.#runs.delete(id);
    else this.#runs.set(id, now);
  }

  #checkBatches(): void {
    for (const lane of this.#bench.pool.lanes()) {
      const from = this.#seen.get(lane) ?? 0;
      for (const batch of lane.executed.slice(from)) this.#checkBatch(lane, batch);
      this.#seen.set(lane, lane.executed.length);
    }
  }

  #checkBatch(lane: ManualLane, batch: readonly InferenceRequest[]): void {
    const real = batch.filter((request) => !request.isFiller);
    assert.ok(real.length > 0, "a batch of fillers");
    assert.equal(new Set(real.map((request) => request.sequenceSlot)).size, real.length, "a slot twice");
    // Not their ids: one that has got its END may begin again in another slot before the old sequence is through.
    assert.equal(new Set(real.map(({ id }) => id.split(":")[0])).size, real.length, "a sequence twice");
    for (const request of real) this.#checkPlace(lane, request);
  }

  #checkPlace(lane: ManualLane, request: InferenceRequest): void {
    const [run = "", number = ""] = request.id.split(":");
    assert.ok(Number(number) > (this.#lastNumber.get(run) ?? -1), `${request.id} came out of order`);
    this.#lastNumber.set(run, Number(number));
    assert.ok(request.sequenceSlot >= 0 && request.sequenceSlot < this.#slotCount);
    const place = `${this.#laneNumber(lane)}/${request.sequenceSlot}`;
    assert.equal(this.#placeOf.get(run) ?? place, place, `${run} moved`);
    this.#placeOf.set(run, place);
    // Who is followed by another run never comes back.
    assert.ok(!this.#gone.has(run), `${run} came back after another one had its slot`);
    const before = this.#runAt.get(place);
    if (before !== undefined && before !== run) this.#gone.add(before);
    this.#runAt.set(place, run);
  }

  readonly #laneNumbers = new Map<ManualLane, number>();

  #laneNumber(lane: ManualLane): number {
    const number = this.#laneNumbers.get(lane) ?? this.#laneNumbers.size;
    this.#laneNumbers.set(lane, number);
    return number;
  }

  #checkAnswers(): void {
    for (const { step, run, number } of this.#accepted) {
      assert.equal(step.sink.answerCount, 1, `${run}:${number} was answered ${step.sink.answerCount} times`);
      const [failed] = step.sink.failures;
      if (failed === undefined) continue;
      assert.ok(["CANCELLED", "UNAVAILABLE", "INTERNAL"].includes(failed.code), failed.message);
    }
    assert.equal(this.#bench.scheduler.queuedCount(), 0);
  }

  /** All slots have come back: as many sequences as there are slots run side by side, without time going by. */
  #checkSlots(): void {
    this.#bench.clock.advance(idleUs);
    const { pool, clock } = this.#bench;
    const count = this.#slotCount * pool.instanceCount;
    const steps = Array.from({ length: count }, (_, i) => this.#bench.send("last", 1_000 + i, "S"));
    for (let round = 0; round < 4 * count + 4; round++) {
      clock.endTurn();
      // What waits for company waits for at most this.
      clock.advance(500);
      for (const lane of pool.lanes()) if (lane.batchesUnderWay > 0) pool.complete(lane);
    }
    assert.ok(
      steps.every(({ sink }) => sink.responses.length === 1),
      "a slot was lost",
    );
  }
}

describe("SequenceBatchScheduler in random schedules", () => {
  it(`loses and repeats no request, keeps the order and the slots, in ${scheduleCount} schedules`, function () {
    this.timeout(60_000);
    for (let seed = 1; seed <= scheduleCount; seed++) {
      try {
        new Schedule(seed).run();
      } catch (thrown) {
        throw new Error(`seed ${seed}: ${(thrown as Error).message}`, { cause: thrown });
      }
    }
  });
});
