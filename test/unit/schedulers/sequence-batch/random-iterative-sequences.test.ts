import assert from "node:assert/strict";
import { describe, it } from "mocha";
import type { InferenceRequest } from "../../../../server/core/inference-request.ts";
import { makeOldestStrategy } from "../../../helpers/model-config.ts";
import { SequenceBench, type SentStep } from "../../../helpers/sequence-bench.ts";

const scheduleCount = 1_000;
const stepCount = 100;
const idleUs = 5_000;

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

/** Requests that are sent, executed any number of times, kept by their model, cancelled and lost at random. */
class Schedule {
  readonly #random: (below: number) => number;
  readonly #bench: SequenceBench;
  readonly #slotCount: number;
  readonly #sent: SentStep[] = [];
  /** Those that their model keeps. */
  #held: InferenceRequest[] = [];

  constructor(seed: number) {
    this.#random = randomSource(seed);
    const isDirect = this.#random(2) === 0;
    const max = 1 + this.#random(3);
    const candidates = 1 + this.#random(5);
    this.#bench = new SequenceBench({
      max,
      lanes: 1 + this.#random(2),
      capacity: 1 + this.#random(2),
      batching: {
        isIterative: true,
        maxSequenceIdleUs: idleUs,
        ...(isDirect
          ? {}
          : {
              strategy: makeOldestStrategy({
                maxCandidateSequences: candidates,
                preserveOrdering: this.#random(2) === 0,
              }),
            }),
      },
    });
    this.#slotCount = isDirect ? max : candidates;
  }

  run(): void {
    for (let i = 0; i < stepCount; i++) this.#step();
    for (const request of this.#held.splice(0)) request.end();
    this.#bench.drain();
    for (const { sink, request } of this.#sent) {
      assert.equal(sink.answerCount, 1, `${request.id} was answered ${sink.answerCount} times`);
      for (const { code, message } of sink.failures) {
        const isExpected = code === "CANCELLED" || code === "INTERNAL" || /START flag/.test(message);
        assert.ok(isExpected, message);
      }
    }
    this.#checkSlots();
  }

  #step(): void {
    const { pool, clock } = this.#bench;
    const busy = pool.lanes().filter((lane) => lane.batchesUnderWay > 0);
    const lane = busy[this.#random(Math.max(1, busy.length))];
    switch (this.#random(12)) {
      case 0:
        clock.advance(this.#random(4) * 2_000);
        return;
      case 1:
      case 2:
        clock.endTurn();
        return;
      case 3:
      case 4:
        if (lane !== undefined) pool.reschedule(lane);
        return;
      case 5:
        if (lane !== undefined) pool.complete(lane);
        return;
      case 6:
        if (lane !== undefined) this.#held.push(...pool.hold(lane));
        return;
      case 7:
        this.#goOn();
        return;
      case 8:
        if (this.#random(2) === 0) this.#sent[this.#random(Math.max(1, this.#sent.length))]?.request.cancel();
        return;
      case 9:
        if (this.#random(10) === 0 && lane !== undefined && this.#held.length === 0) {
          pool.crash(lane);
          pool.revive();
        }
        return;
      default:
        this.#send();
    }
  }

  /** The model asks for another run of a request that it has kept, or ends it. */
  #goOn(): void {
    const [request] = this.#held.splice(this.#random(Math.max(1, this.#held.length)), 1);
    if (this.#random(2) === 0) request?.reschedule();
    else request?.end();
  }

  /** Some clients have ids of their own, and some of them begin again in the middle. */
  #send(): void {
    const id = this.#random(3) === 0 ? 1 + this.#random(3) : 0;
    const flags = this.#random(2) === 0 ? "S" : "";
    const { step, refusal } = this.#bench.offer(`r${this.#sent.length}`, id, flags);
    if (refusal === null) this.#sent.push(step);
    else assert.match(refusal.message, /START flag/);
  }

  /** All slots have come back: as many sequences as there are slots are served at once, without time going by. */
  #checkSlots(): void {
    this.#bench.clock.advance(idleUs);
    const { pool, clock } = this.#bench;
    const count = this.#slotCount * pool.instanceCount;
    const steps = Array.from({ length: count }, () => this.#bench.send("last", 0));
    const held: InferenceRequest[] = [];
    for (let round = 0; round < 2 * count + 2; round++) {
      clock.endTurn();
      for (const lane of pool.lanes()) if (lane.batchesUnderWay > 0) held.push(...pool.hold(lane));
    }
    assert.equal(held.length, count, "a slot was lost");
    for (const request of held) request.end();
    assert.ok(steps.every(({ sink }) => sink.answerCount === 1));
  }
}

describe("SequenceBatchScheduler with iterative sequences in random schedules", () => {
  it(`answers each request once and gets all slots back, in ${scheduleCount} schedules`, function () {
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
