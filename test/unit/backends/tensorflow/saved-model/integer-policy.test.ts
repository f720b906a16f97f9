import assert from "node:assert/strict";
import { describe, it } from "mocha";
import type { GraphNode } from "../../../../../backends/tensorflow/saved-model/graph.ts";
import { applyIntegerPolicy } from "../../../../../backends/tensorflow/saved-model/integer-policy.ts";
import { typeNumber } from "../../../../../backends/tensorflow/saved-model/tensorflow-type.ts";

function applied(op: string, attr: GraphNode["attr"]): string {
  const node: GraphNode = { name: "n", op, inputs: [], attr, constant: null };
  applyIntegerPolicy(node);
  return node.op;
}

describe("applyIntegerPolicy", () => {
  for (const op of ["AddV2", "Sub", "Mul", "Neg", "Square", "Sum", "Prod"]) {
    it(`has ${op} on INT64 checked while it runs, and leaves FP32 alone`, () => {
      assert.match(applied(op, { T: { type: typeNumber.int64 } }), /^NereidChecked/);
      assert.equal(applied(op, { T: { type: typeNumber.float } }), op);
    });
  }

  for (const op of [
    "MatMul",
    "Cumsum",
    "ScatterNd",
    "TensorScatterAdd",
    "SegmentSum",
    "UnsortedSegmentSum",
  ]) {
    it(`refuses ${op} on INT64, whose overflow nobody would see`, () => {
      assert.throws(
        () => applied(op, { T: { type: typeNumber.int64 } }),
        new RegExp(`node 'n': ${op} on \\w*int64`, "i"),
      );
    });
  }

  it("knows the types of BatchMatMulV3's operands", () => {
    const types = { Ta: { type: typeNumber.int64 }, Tb: { type: typeNumber.int64 } };
    assert.throws(() => applied("BatchMatMulV3", types), /BatchMatMulV3 on/);
  });

  it("checks casts to INT64 from FP32, and lets those from INT32 be", () => {
    const cast = (from: number): string =>
      applied("Cast", { SrcT: { type: from }, DstT: { type: typeNumber.int64 } });
    assert.equal(cast(typeNumber.float), "NereidCheckedCast");
    assert.equal(cast(typeNumber.int32), "Cast");
  });
});
