import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { ShutdownBudget } from "../../../server/shutdown-budget.ts";

describe("ShutdownBudget", () => {
  it("runs from the moment it is made, for all phases together", async () => {
    const startMs = performance.now();
    const budget = new ShutdownBudget(1_000);
    await new Promise((resolve) => setImmediate(resolve));
    const leftMs = budget.leftMs();
    const elapsedMs = performance.now() - startMs;
    assert.ok(leftMs < 1_000 && leftMs >= 1_000 - elapsedMs, `${leftMs} left after ${elapsedMs}`);
    assert.ok(budget.leftMs() <= leftMs);
  });

  it("never goes below 0", () => {
    assert.equal(new ShutdownBudget(0).leftMs(), 0);
    assert.equal(new ShutdownBudget(-5).leftMs(), 0);
  });
});
