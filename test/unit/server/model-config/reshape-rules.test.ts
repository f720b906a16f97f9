import assert from "node:assert/strict";
import fc from "fast-check";
import { describe, it } from "mocha";
import { reshapeProblem } from "../../../../server/model-config/reshape-rules.ts";

function problem(
  dims: readonly number[],
  reshape: readonly number[] | null,
  maxBatchSize = 4,
): string | null {
  return reshapeProblem({ name: "t", datatype: "FP32", dims, reshape }, maxBatchSize);
}

describe("reshapeProblem", () => {
  it("accepts a tensor without reshape", () => assert.equal(problem([3], null), null));
  it("accepts the same number of elements", () => assert.equal(problem([2, 3, 4], [6, 4]), null));
  it("refuses another number of elements", () => {
    assert.equal(problem([2, 3], [5]), "dims [2,3] and reshape [5] must have the same number of elements");
  });
  it("accepts equal products around variable dimensions", () => {
    assert.equal(problem([2, 3, -1, 4], [6, -1, 2, 2]), null);
    assert.equal(problem([-1], [1, -1, 1]), null);
  });
  it("refuses another product around a variable dimension", () => {
    assert.equal(
      problem([2, 3, -1, 4], [2, -1, 3, 4]),
      "dims [2,3,-1,4] and reshape [2,-1,3,4] must have the same number of elements before, between and after their variable dimensions",
    );
  });
  it("refuses another number of variable dimensions", () => {
    assert.equal(
      problem([-1, -1], [-1]),
      "dims [-1,-1] and reshape [-1] must have the same number of variable dimensions",
    );
    assert.notEqual(problem([4], [-1]), null);
  });
  it("accepts an empty reshape of one element in a model that batches", () =>
    assert.equal(problem([1, 1], []), null));
  it("refuses an empty reshape of more elements", () => {
    assert.equal(problem([2], []), "an empty reshape needs 'dims' of one element, got [2]");
    assert.notEqual(problem([-1], []), null);
  });
  it("refuses an empty reshape in a model that does not batch", () => {
    assert.equal(problem([1], [], 0), "cannot have empty reshape for a model that does not batch");
  });

  it("accepts any way to put ones between the dimensions", () => {
    const dims = fc.array(fc.oneof(fc.constant(-1), fc.integer({ min: 1, max: 9 })), {
      minLength: 1,
      maxLength: 5,
    });
    fc.assert(
      fc.property(dims, fc.nat(5), (shape, position) => {
        const reshape = [...shape.slice(0, position), 1, ...shape.slice(position)];
        assert.equal(problem(shape, reshape), null);
      }),
    );
  });
});
