import assert from "node:assert/strict";
import fc from "fast-check";
import { describe, it } from "mocha";
import { carryVariableDims, elementCount, formatShape, shapesEqual } from "../../../../server/core/shape.ts";

describe("elementCount", () => {
  it("is the product, 1 for rank 0 and 0 with an empty dimension", () => {
    assert.equal(elementCount([2, 3, 4]), 24);
    assert.equal(elementCount([]), 1);
    assert.equal(elementCount([5, 0]), 0);
  });

  it("is -1 with a variable dimension, wherever it stands", () => {
    assert.equal(elementCount([-1, 3]), -1);
    assert.equal(elementCount([0, -1]), -1);
  });

  it("stays above the safe integers for absurd shapes", () => {
    assert.ok(!Number.isSafeInteger(elementCount([2 ** 30, 2 ** 30])));
  });
});

describe("shapesEqual", () => {
  it("compares rank and dimensions", () => {
    assert.ok(shapesEqual([], []));
    assert.ok(shapesEqual([1, -1], [1, -1]));
    assert.ok(!shapesEqual([1], [1, 1]));
    assert.ok(!shapesEqual([1, 2], [1, 3]));
  });
});

describe("formatShape", () => {
  it("has no blanks", () => {
    assert.equal(formatShape([-1, 16]), "[-1,16]");
    assert.equal(formatShape([]), "[]");
  });
});

describe("carryVariableDims", () => {
  it("puts the sizes found into the other pattern, in order", () => {
    assert.deepEqual(carryVariableDims([7, 1, 9], [-1, 1, -1], [-1, -1]), [7, 9]);
    assert.deepEqual(carryVariableDims([1], [1], []), []);
    assert.deepEqual(carryVariableDims([], [], [1]), [1]);
  });

  it("comes back to where it started", () => {
    const pattern = fc.array(fc.constantFrom(-1, 1, 2, 3), { maxLength: 5 });
    fc.assert(
      fc.property(pattern, fc.array(fc.nat(9), { minLength: 5, maxLength: 5 }), (from, sizes) => {
        const to = from.filter((dim) => dim === -1);
        const actual = from.map((dim, i) => (dim === -1 ? sizes[i]! : dim));
        const carried = carryVariableDims(actual, from, to);
        assert.equal(carried.length, to.length);
        assert.deepEqual(carryVariableDims(carried, to, from), actual);
      }),
    );
  });
});
