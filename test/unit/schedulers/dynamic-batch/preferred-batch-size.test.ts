import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { PreferredBatchSizes } from "../../../../schedulers/dynamic-batch/preferred-batch-size.ts";

describe("PreferredBatchSizes", () => {
  it("knows its sizes and the largest of them", () => {
    const sizes = new PreferredBatchSizes([4, 2, 16]);
    assert.equal(sizes.max, 16);
    const preferred = Array.from({ length: 20 }, (_, size) => size).filter((size) => sizes.has(size));
    assert.deepEqual(preferred, [2, 4, 16]);
  });

  it("may be without any", () => {
    const none = new PreferredBatchSizes([]);
    assert.equal(none.max, 0);
    assert.equal(none.has(0), false);
    assert.equal(none.has(1), false);
  });
});
