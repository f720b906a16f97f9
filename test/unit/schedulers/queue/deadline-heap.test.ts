import assert from "node:assert/strict";
import fc from "fast-check";
import { describe, it } from "mocha";
import { DeadlineHeap } from "../../../../schedulers/queue/deadline-heap.ts";
import { PolicyQueue } from "../../../../schedulers/queue/policy-queue.ts";
import { QueuedRequest } from "../../../../schedulers/queue/queued-request.ts";
import { makeQueuePolicy } from "../../../helpers/model-config.ts";
import { makeRequest } from "../../../helpers/recorded-request.ts";

const level = new PolicyQueue(0, makeQueuePolicy());

function entry(deadlineUs: number, arrival = 0): QueuedRequest {
  return new QueuedRequest(makeRequest().request, level, arrival, deadlineUs);
}

/** Takes one after the other from the top. */
function drain(heap: DeadlineHeap): QueuedRequest[] {
  const taken: QueuedRequest[] = [];
  for (let top = heap.peek(); top !== undefined; top = heap.peek()) {
    taken.push(top);
    heap.remove(top);
  }
  return taken;
}

describe("DeadlineHeap", () => {
  it("gives the earliest deadline first, whatever leaves from the middle", () => {
    fc.assert(
      fc.property(
        fc.array(fc.record({ deadlineUs: fc.nat(20), leaves: fc.boolean() }), { maxLength: 60 }),
        (plan) => {
          const heap = new DeadlineHeap();
          const made = plan.map(({ deadlineUs }, arrival) => entry(deadlineUs, arrival));
          for (const one of made) heap.push(one);
          const kept = made.filter((one, i) => {
            if (plan[i]!.leaves) heap.remove(one);
            return !plan[i]!.leaves;
          });
          const expected = kept.toSorted((a, b) => a.deadlineUs - b.deadlineUs || a.arrival - b.arrival);
          assert.deepEqual(
            drain(heap).map(({ arrival }) => arrival),
            expected.map(({ arrival }) => arrival),
          );
        },
      ),
    );
  });

  it("does nothing for a request that is not in it", () => {
    const heap = new DeadlineHeap();
    const one = entry(5);
    heap.push(one);
    heap.remove(entry(1));
    heap.remove(one);
    heap.remove(one);
    assert.equal(heap.peek(), undefined);
  });
});
