import type { Scheduler, InstanceLane, InstancePool } from "../scheduler.ts";
import { LanePool } from "./lane-pool.ts";
import { laneLost } from "./lane-lost.ts";
import type { Sequence } from "./sequence.ts";
import type { SequenceLane } from "./sequence-lane.ts";

/** The rules of the oldest strategy. */
export interface OldestRules {
  /** Most sequences on each instance. */
  readonly slotCount: number;
  /** Makes the batcher that joins requests of different sequences. */
  readonly makeBatcher: (pool: InstancePool) => Scheduler;
}

/**
 * The oldest strategy: the first waiting request of each sequence goes to a dynamic batcher of the instance's own, and the
 * next one only when it has been answered. So a batch never has two requests of one sequence, and a sequence may be in
 * another row each time.
 *
 * @see contract §6.5, "Oldest"
 */
export class OldestLane implements SequenceLane {
  readonly slotCount: number;
  readonly wakeAtUs = Number.POSITIVE_INFINITY;
  readonly #pool: LanePool;
  readonly #batcher: Scheduler;

  constructor(rules: OldestRules, instance: InstanceLane, pool: InstancePool) {
    this.slotCount = rules.slotCount;
    this.#pool = new LanePool(instance, pool);
    this.#batcher = rules.makeBatcher(this.#pool);
  }

  queuedCount(): number {
    return this.#batcher.queuedCount();
  }

  occupy(): void {
    // A slot is only a number here.
  }

  vacate(): void {
    // As above.
  }

  onReady(sequence: Sequence): void {
    const request = sequence.take();
    const refusal = this.#batcher.enqueue(request);
    if (refusal !== null) request.fail(refusal);
  }

  onCapacity(): void {
    this.#pool.notifyCapacity();
  }

  run(): void {
    // The batcher has passes of its own.
  }

  onLost(): void {
    this.#pool.breakDown(laneLost);
  }
}
