import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { ResourcePool } from "../../../../server/rate-limiter/resource-pool.ts";

describe("ResourcePool", () => {
  it("is as large as the largest demand, or as the operator says", () => {
    const pool = new ResourcePool(null);
    pool.addDemand(2);
    pool.addDemand(5);
    assert.equal(pool.capacity, 5);
    assert.equal(pool.removeDemand(5), false);
    assert.equal(pool.capacity, 2);
    assert.equal(pool.removeDemand(2), true);
    const fixed = new ResourcePool(3);
    fixed.addDemand(1);
    assert.equal(fixed.capacity, 3);
  });

  it("gives what it has, and notices what it never gave", () => {
    const pool = new ResourcePool(3);
    assert.ok(pool.has(3));
    pool.take(2);
    assert.ok(pool.has(1) && !pool.has(2));
    pool.giveBack(2);
    assert.equal(pool.inUse, 0);
    assert.throws(() => pool.giveBack(1), /This is a bug/);
  });
});
