import type { SequenceLane, SequenceSlot } from "./sequence-lane.ts";

interface FreeSlot extends SequenceSlot {
  /** Age of the lane: lower is older. */
  readonly laneOrder: number;
}

/**
 * The slots that no sequence owns. The lowest number goes first, over all instances, so that load spreads over them and
 * direct batches stay short; among equal numbers the older instance.
 *
 * @remarks A binary heap: there may be thousands of slots, and each sequence takes one and gives it back.
 */
export class FreeSlots {
  #heap: FreeSlot[] = [];
  readonly #orderOf = new Map<SequenceLane, number>();
  #nextOrder = 0;

  get length(): number {
    return this.#heap.length;
  }

  /** Adds all slots of a new lane. */
  addLane(lane: SequenceLane): void {
    this.#orderOf.set(lane, this.#nextOrder++);
    for (let index = 0; index < lane.slotCount; index++) this.give(lane, index);
  }

  /** Forgets a lane. Slots of it that are given back later are dropped. */
  removeLane(lane: SequenceLane): void {
    this.#orderOf.delete(lane);
    const rest = this.#heap.filter((slot) => slot.lane !== lane);
    this.#heap = [];
    for (const slot of rest) this.#push(slot);
  }

  /** Takes the next slot, or `null` when there is none. */
  take(): SequenceSlot | null {
    const first = this.#heap[0];
    const last = this.#heap.pop();
    if (first === undefined || last === undefined) return null;
    if (last !== first) this.#sink(last);
    return first;
  }

  /** Gives a slot back. */
  give(lane: SequenceLane, index: number): void {
    const laneOrder = this.#orderOf.get(lane);
    if (laneOrder !== undefined) this.#push({ lane, index, laneOrder });
  }

  #push(slot: FreeSlot): void {
    const heap = this.#heap;
    let at = heap.length;
    while (at > 0) {
      const parentAt = (at - 1) >> 1;
      const parent = heap[parentAt];
      if (parent === undefined || !isBefore(slot, parent)) break;
      heap[at] = parent;
      at = parentAt;
    }
    heap[at] = slot;
  }

  /** Puts a slot in the place of the first one. */
  #sink(slot: FreeSlot): void {
    const heap = this.#heap;
    let at = 0;
    for (;;) {
      const left = heap[2 * at + 1];
      const right = heap[2 * at + 2];
      const isRight = left !== undefined && right !== undefined && isBefore(right, left);
      const child = isRight ? right : left;
      if (child === undefined || !isBefore(child, slot)) break;
      heap[at] = child;
      at = 2 * at + (isRight ? 2 : 1);
    }
    heap[at] = slot;
  }
}

function isBefore(a: FreeSlot, b: FreeSlot): boolean {
  return a.index === b.index ? a.laneOrder < b.laneOrder : a.index < b.index;
}
