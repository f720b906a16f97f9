import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { BodyPool } from "../../../../../server/http/transport/body-pool.ts";

const kibibyte = 1024;

describe("BodyPool", () => {
  it("gives the memory of a used body to the next one of its size", () => {
    const pool = new BodyPool();
    const body = pool.take(600_000);
    assert.equal(body.byteLength, 600_000);
    pool.give(body);
    const next = pool.take(500_000);
    assert.ok(next.buffer === body.buffer);
    assert.equal(next.byteLength, 500_000);
    assert.equal(pool.freeCount, 0);
  });

  it("never gives the same memory to two owners", () => {
    const pool = new BodyPool();
    pool.give(pool.take(100_000));
    assert.ok(pool.take(100_000).buffer !== pool.take(100_000).buffer);
  });

  it("wastes no more than half of a buffer, and gives none that is too small", () => {
    const pool = new BodyPool();
    const body = pool.take(400_000);
    pool.give(body);
    assert.ok(pool.take(199_999).buffer !== body.buffer);
    assert.ok(pool.take(400_001).buffer !== body.buffer);
    assert.equal(pool.freeCount, 1);
    assert.ok(pool.take(200_000).buffer === body.buffer);
  });

  it("keeps neither small bodies, nor very large ones, nor what was moved to another thread", () => {
    const pool = new BodyPool();
    pool.give(Buffer.allocUnsafeSlow(64 * kibibyte - 1));
    pool.give(Buffer.allocUnsafeSlow(4 * kibibyte * kibibyte + 1));
    const moved = pool.take(100_000);
    structuredClone(moved, { transfer: [moved.buffer as ArrayBuffer] });
    pool.give(moved);
    assert.equal(pool.freeCount, 0);
  });

  it("is bounded, and forgets the oldest", () => {
    const pool = new BodyPool();
    const bodies = Array.from({ length: 9 }, () => pool.take(100_000));
    for (const body of bodies) pool.give(body);
    assert.equal(pool.freeCount, 8);
    const taken = Array.from({ length: 8 }, () => pool.take(100_000).buffer);
    assert.ok(!taken.includes(bodies[0]!.buffer));
  });
});
