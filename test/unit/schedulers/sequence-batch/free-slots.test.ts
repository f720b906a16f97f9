import assert from "node:assert/strict";
import fc from "fast-check";
import { describe, it } from "mocha";
import { FreeSlots } from "../../../../schedulers/sequence-batch/free-slots.ts";
import type { SequenceLane } from "../../../../schedulers/sequence-batch/sequence-lane.ts";

function laneOf(slotCount: number): SequenceLane {
  return {
    slotCount,
    wakeAtUs: Number.POSITIVE_INFINITY,
    queuedCount: () => 0,
    occupy: () => undefined,
    vacate: () => undefined,
    onReady: () => undefined,
    onCapacity: () => undefined,
    run: () => undefined,
    onLost: () => undefined,
  };
}

describe("FreeSlots", () => {
  it("gives low numbers first, among equal ones the older instance", () => {
    const slots = new FreeSlots();
    const lanes = [laneOf(2), laneOf(3)];
    for (const lane of lanes) slots.addLane(lane);
    const taken = [];
    for (let slot = slots.take(); slot !== null; slot = slots.take()) {
      taken.push([slot.index, lanes.indexOf(slot.lane)]);
    }
    assert.deepEqual(taken, [
      [0, 0],
      [0, 1],
      [1, 0],
      [1, 1],
      [2, 1],
    ]);
    assert.equal(slots.length, 0);
  });

  it("forgets the slots of an instance that is gone, given back ones too", () => {
    const slots = new FreeSlots();
    const [gone, stays] = [laneOf(2), laneOf(2)];
    slots.addLane(gone);
    slots.addLane(stays);
    slots.take();
    slots.removeLane(gone);
    slots.give(gone, 0);
    assert.equal(slots.length, 2);
    assert.equal(slots.take()?.lane, stays);
  });

  it("always gives the lowest one, in whatever order they come back", () => {
    fc.assert(
      fc.property(fc.array(fc.nat(30), { minLength: 1, maxLength: 60 }), (steps) => {
        const slots = new FreeSlots();
        const lane = laneOf(20);
        slots.addLane(lane);
        const free = new Set(Array.from({ length: 20 }, (_, i) => i));
        const taken: number[] = [];
        for (const step of steps) {
          if (step % 2 === 0 || taken.length === 0) {
            const slot = slots.take();
            assert.equal(slot?.index, free.size === 0 ? undefined : Math.min(...free));
            if (slot === null) continue;
            free.delete(slot.index);
            taken.push(slot.index);
          } else {
            const [index = 0] = taken.splice(step % taken.length, 1);
            slots.give(lane, index);
            free.add(index);
          }
        }
      }),
    );
  });
});
