import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { PolicyQueue, queueTimeoutUs } from "../../../../schedulers/queue/policy-queue.ts";
import { QueuedRequest } from "../../../../schedulers/queue/queued-request.ts";
import { makeQueuePolicy } from "../../../helpers/model-config.ts";
import { makeRequest } from "../../../helpers/recorded-request.ts";

describe("queueTimeoutUs", () => {
  const cases: readonly (readonly [string, number, boolean, number, number])[] = [
    ["is for ever without a default", 0, true, 5, Number.POSITIVE_INFINITY],
    ["is the default when the request asks for nothing", 100, true, 0, 100],
    ["is the request's when that is shorter (row 133)", 100, true, 40, 40],
    ["is the default when the request asks for longer (row 133)", 100, true, 400, 100],
    ["is the default where the request has no say (row 133)", 100, false, 40, 100],
  ];
  for (const [name, defaultTimeoutUs, allowTimeoutOverride, requestTimeoutUs, expected] of cases) {
    it(name, () => {
      const policy = makeQueuePolicy({ defaultTimeoutUs, allowTimeoutOverride });
      assert.equal(queueTimeoutUs(policy, requestTimeoutUs), expected);
    });
  }
});

describe("PolicyQueue", () => {
  function fill(queue: PolicyQueue, count: number): QueuedRequest[] {
    return Array.from({ length: count }, (_, i) => {
      const entry = new QueuedRequest(makeRequest().request, queue, i, Number.POSITIVE_INFINITY);
      queue.append(entry);
      return entry;
    });
  }

  function order(queue: PolicyQueue): number[] {
    const arrivals: number[] = [];
    for (let entry = queue.first; entry !== null; entry = queue.after(entry)) arrivals.push(entry.arrival);
    return arrivals;
  }

  it("serves delayed requests after the others, in the order in which they were delayed", () => {
    const queue = new PolicyQueue(1, makeQueuePolicy());
    const [a, b, c, d] = fill(queue, 4);
    queue.delay(c!);
    queue.delay(a!);
    assert.deepEqual(order(queue), [1, 3, 2, 0]);
    queue.remove(c!);
    queue.remove(b!);
    queue.remove(d!);
    assert.deepEqual(order(queue), [0]);
  });

  it("counts delayed requests as waiting (row 132)", () => {
    const queue = new PolicyQueue(1, makeQueuePolicy({ maxQueueSize: 2 }));
    const [a] = fill(queue, 2);
    assert.ok(queue.isFull);
    queue.delay(a!);
    assert.ok(queue.isFull);
    queue.remove(a!);
    assert.ok(!queue.isFull);
  });

  it("is never full without a size", () => {
    const queue = new PolicyQueue(1, makeQueuePolicy());
    fill(queue, 1_000);
    assert.ok(!queue.isFull);
  });
});
