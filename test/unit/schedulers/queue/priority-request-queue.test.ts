import assert from "node:assert/strict";
import { describe, it } from "mocha";
import {
  PriorityRequestQueue,
  type QueueRules,
} from "../../../../schedulers/queue/priority-request-queue.ts";
import type { Status } from "../../../../server/core/status.ts";
import { makeDynamicBatching, makeQueuePolicy } from "../../../helpers/model-config.ts";
import { makeRequest, type RequestSketch } from "../../../helpers/recorded-request.ts";

class Bench {
  readonly queue: PriorityRequestQueue;

  constructor(rules: Partial<QueueRules> = {}) {
    this.queue = new PriorityRequestQueue(
      makeDynamicBatching({ priorityLevels: 3, defaultPriorityLevel: 2, ...rules }),
    );
  }

  push(id: string, sketch: RequestSketch = {}): Status {
    return this.queue.push(makeRequest({ id, queueStartUs: 100, ...sketch }).request);
  }

  /** Ids in the order in which they are served; nothing is taken. */
  get order(): string {
    return Array.from({ length: this.queue.length }, (_, i) => this.queue.peek(i)?.id).join("");
  }

  expire(nowUs: number): string {
    const ids: string[] = [];
    for (let one = this.queue.takeExpired(nowUs); one !== undefined; one = this.queue.takeExpired(nowUs))
      ids.push(one.id);
    return ids.join("");
  }
}

describe("PriorityRequestQueue", () => {
  it("serves strictly by priority, and first in first out within a level", () => {
    const bench = new Bench();
    for (const [id, priority] of [
      ["a", 3],
      ["b", 1],
      ["c", 2],
      ["d", 1],
      ["e", 3],
    ] as const)
      bench.push(id, { priority });
    assert.equal(bench.order, "bdcae");
    assert.equal(bench.queue.shift()?.id, "b");
    bench.push("f", { priority: 1 });
    assert.equal(bench.order, "dfcae");
  });

  it("puts requests without a level, or with one that does not exist, in the default one (row 129)", () => {
    const bench = new Bench();
    bench.push("x", { priority: 3 });
    for (const [id, priority] of [
      ["a", 0],
      ["b", 4],
      ["c", 2 ** 64],
    ] as const)
      bench.push(id, { priority });
    bench.push("y", { priority: 1 });
    assert.equal(bench.order, "yabcx");
  });

  it("ignores priorities without levels", () => {
    const bench = new Bench({ priorityLevels: 0, defaultPriorityLevel: 0 });
    for (const [id, priority] of [
      ["a", 3],
      ["b", 1],
    ] as const)
      bench.push(id, { priority });
    assert.equal(bench.order, "ab");
  });

  it("is asked for any position, forwards and backwards, and changed in between", () => {
    const bench = new Bench();
    for (const id of "abcdef") bench.push(id, { priority: 1 + (id.charCodeAt(0) % 3) });
    // c f, a d, b e by (code % 3).
    assert.equal(bench.order, "cfadbe");
    assert.equal(bench.queue.peek(5)?.id, "e");
    assert.equal(bench.queue.peek(1)?.id, "f");
    assert.equal(bench.queue.peek(6), undefined);
    const f = bench.queue.peek(1);
    assert.ok(f !== undefined && bench.queue.remove(f));
    assert.ok(!bench.queue.remove(f));
    assert.equal(bench.order, "cadbe");
  });

  it("refuses what its level has no room for, level by level (row 130)", () => {
    const bench = new Bench({
      defaultQueuePolicy: makeQueuePolicy({ maxQueueSize: 2 }),
      priorityQueuePolicy: new Map([[1, makeQueuePolicy({ maxQueueSize: 1 })]]),
    });
    assert.equal(bench.push("a", { priority: 1 }), null);
    assert.deepEqual(bench.push("b", { priority: 1 }), {
      code: "UNAVAILABLE",
      message: "Exceeds maximum queue size",
    });
    assert.equal(bench.push("c"), null);
    assert.equal(bench.push("d"), null);
    assert.equal(bench.push("e")?.code, "UNAVAILABLE");
    assert.equal(bench.push("f", { priority: 3 }), null);
    assert.equal(bench.order, "acdf");
    bench.queue.shift();
    assert.equal(bench.push("g", { priority: 1 }), null);
  });

  it("gives back what waited too long, the earliest first (row 131)", () => {
    const bench = new Bench({
      defaultQueuePolicy: makeQueuePolicy({ defaultTimeoutUs: 50, allowTimeoutOverride: true }),
      priorityQueuePolicy: new Map([[1, makeQueuePolicy()]]),
    });
    bench.push("a", { priority: 3 });
    bench.push("b", { priority: 3, timeoutUs: 20 });
    bench.push("c", { priority: 1 });
    bench.push("d", { priority: 2, queueStartUs: 130 });
    assert.equal(bench.queue.nextExpiryUs(), 120);
    assert.equal(bench.expire(119), "");
    assert.equal(bench.expire(150), "ba");
    assert.equal(bench.queue.nextExpiryUs(), 180);
    assert.equal(bench.order, "cd");
    assert.equal(bench.expire(1_000), "d");
    assert.equal(bench.queue.nextExpiryUs(), Number.POSITIVE_INFINITY);
  });

  it("puts what waited too long behind the others of its level under DELAY, and never rejects it (row 132)", () => {
    const bench = new Bench({
      defaultQueuePolicy: makeQueuePolicy({
        timeoutAction: "DELAY",
        defaultTimeoutUs: 50,
        allowTimeoutOverride: true,
        maxQueueSize: 3,
      }),
    });
    bench.push("a", { timeoutUs: 10 });
    bench.push("b");
    bench.push("x", { priority: 3 });
    assert.equal(bench.expire(110), "");
    bench.push("c");
    assert.equal(bench.order, "bcax");
    assert.equal(bench.push("d")?.code, "UNAVAILABLE");
    assert.equal(bench.expire(10_000), "");
    // All of them are late now: a is still before those that came to be late after it.
    assert.equal(bench.order, "abcx");
    assert.equal(bench.queue.nextExpiryUs(), Number.POSITIVE_INFINITY);
  });

  it("lets requests pass others of their level only, and only as long as neither was delayed", () => {
    const policy = makeQueuePolicy({
      timeoutAction: "DELAY",
      defaultTimeoutUs: 50,
      allowTimeoutOverride: true,
    });
    const { queue } = new Bench({ defaultQueuePolicy: policy });
    const [a, b, c] = [{ priority: 1, timeoutUs: 10 }, { priority: 1 }, { priority: 2 }].map(
      (sketch) => makeRequest({ queueStartUs: 100, ...sketch }).request,
    );
    for (const request of [a!, b!, c!]) queue.push(request);
    assert.ok(queue.mayOvertake(b!, a!));
    assert.ok(!queue.mayOvertake(c!, b!));
    queue.takeExpired(120);
    assert.ok(!queue.mayOvertake(a!, b!));
  });

  it("forgets the deadlines of what has left", () => {
    const bench = new Bench({ defaultQueuePolicy: makeQueuePolicy({ defaultTimeoutUs: 50 }) });
    bench.push("a");
    bench.push("b");
    bench.queue.shift();
    bench.queue.shift();
    assert.equal(bench.queue.nextExpiryUs(), Number.POSITIVE_INFINITY);
    assert.equal(bench.expire(1_000), "");
    assert.equal(bench.queue.length, 0);
  });
});
