import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { batchCompatibilityOf } from "../../../../schedulers/dynamic-batch/batch-compatibility.ts";
import type { InferenceRequest } from "../../../../server/core/inference-request.ts";
import { Tensor } from "../../../../server/core/tensor.ts";
import { makeRequest } from "../../../helpers/recorded-request.ts";

/** A request with one input of each shape; the batch dimension comes first. */
function requestOf(...shapes: number[][]): InferenceRequest {
  return makeRequest({
    inputs: shapes.map((shape, i) => new Tensor(`x${i}`, "FP32", shape, new Uint8Array())),
  }).request;
}

describe("batchCompatibilityOf", () => {
  it("has no rule when all dimensions are fixed", () => {
    assert.equal(batchCompatibilityOf([{ dims: [4] }, { dims: [] }]), null);
    assert.equal(batchCompatibilityOf([]), null);
  });

  it("compares the shapes of inputs with a variable dimension, apart from the batch dimension", () => {
    const isCompatible = batchCompatibilityOf([{ dims: [4] }, { dims: [-1, 2] }]);
    assert.ok(isCompatible !== null);
    assert.ok(isCompatible(requestOf([1, 4], [1, 3, 2]), requestOf([5, 4], [5, 3, 2])));
    assert.ok(!isCompatible(requestOf([1, 4], [1, 3, 2]), requestOf([1, 4], [1, 4, 2])));
    assert.ok(!isCompatible(requestOf([1, 4], [1, 3, 2]), requestOf([1, 4], [1, 3])));
  });

  it("compares every such input", () => {
    const isCompatible = batchCompatibilityOf([{ dims: [-1] }, { dims: [-1] }]);
    assert.ok(isCompatible !== null);
    assert.ok(isCompatible(requestOf([1, 2], [1, 3]), requestOf([1, 2], [1, 3])));
    assert.ok(!isCompatible(requestOf([1, 2], [1, 3]), requestOf([1, 2], [1, 4])));
    assert.ok(!isCompatible(requestOf([1, 2], [1, 3]), requestOf([1, 9], [1, 3])));
  });
});
