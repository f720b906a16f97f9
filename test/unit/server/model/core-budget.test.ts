import assert from "node:assert/strict";
import { availableParallelism } from "node:os";
import { describe, it } from "mocha";
import { CoreBudget } from "../../../../server/model/core-budget.ts";

describe("CoreBudget", () => {
  it("has the cores that the process may use", () => {
    assert.equal(new CoreBudget().coreCount, availableParallelism());
  });

  it("shares the cores out equally, rounding down", () => {
    const budget = new CoreBudget(8);
    assert.deepEqual(budget.grant(1, null), { threadCount: 8, isOverBudget: false });
    assert.deepEqual(budget.grant(3, null), { threadCount: 2, isOverBudget: false });
    assert.deepEqual(budget.grant(8, null), { threadCount: 1, isOverBudget: false });
  });

  it("gives every instance a thread when there are more of them than cores, and says so", () => {
    assert.deepEqual(new CoreBudget(2).grant(3, null), { threadCount: 1, isOverBudget: true });
  });

  it("gives what the config asks for, and says when it is too much", () => {
    const budget = new CoreBudget(8);
    assert.deepEqual(budget.grant(2, 4), { threadCount: 4, isOverBudget: false });
    assert.deepEqual(budget.grant(2, 5), { threadCount: 5, isOverBudget: true });
  });

  it("grants all cores to a model without CPU instances", () => {
    assert.deepEqual(new CoreBudget(8).grant(0, null), { threadCount: 8, isOverBudget: false });
  });
});
