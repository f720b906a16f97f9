import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { FramePool } from "../../../../backends/worker/frame-pool.ts";

describe("FramePool", () => {
  it("allocates powers of two, from 4 KiB up", () => {
    const pool = new FramePool(3);
    assert.equal(pool.take(1).byteLength, 4096);
    assert.equal(pool.take(4096).byteLength, 4096);
    assert.equal(pool.take(4097).byteLength, 8192);
    assert.equal(pool.take(70_000).byteLength, 131_072);
  });

  it("gives a frame out again when it is large enough", () => {
    const pool = new FramePool(3);
    const frame = pool.take(5000);
    pool.give(frame);
    assert.equal(pool.freeCount, 1);
    assert.equal(pool.take(8192), frame);
    assert.equal(pool.freeCount, 0);
  });

  it("drops a frame that has become too small", () => {
    const pool = new FramePool(3);
    pool.give(pool.take(100));
    assert.equal(pool.take(5000).byteLength, 8192);
    assert.equal(pool.freeCount, 0);
  });

  it("keeps no more frames than its capacity", () => {
    const pool = new FramePool(2);
    for (let i = 0; i < 5; i++) pool.give(new ArrayBuffer(4096));
    assert.equal(pool.freeCount, 2);
  });

  it("hands over what is at rest, and then has nothing", () => {
    const pool = new FramePool(2);
    const frames = [new ArrayBuffer(4096), new ArrayBuffer(8192)];
    for (const frame of frames) pool.give(frame);
    assert.deepEqual(pool.takeAll(), frames);
    assert.deepEqual(pool.takeAll(), []);
    assert.equal(pool.freeCount, 0);
  });
});
