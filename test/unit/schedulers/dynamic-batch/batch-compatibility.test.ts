import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { batchCompatibilityOf } from "../../../../schedulers/dynamic-batch/batch-compatibility.ts";
import type { InferenceRequest } from "../../../../server/core/inference-request.ts";
import { Tensor } from "../../../../server/core/tensor.ts";
import { makeInput } from "../../../helpers/model-config.ts";
import { makeRequest } from "../../../helpers/recorded-request.ts";

/** A request with one input of each shape; the batch dimension comes first. */
function requestOf(...shapes: number[][]): InferenceRequest {
  return makeRequest({
    inputs: shapes.map((shape, i) => new Tensor(`x${i}`, "FP32", shape, new Uint8Array())),
  }).request;
}

describe("batchCompatibilityOf", () => {
  it("has no rule when all dimensions are fixed", () => {
    assert.equal(batchCompatibilityOf([makeInput("x", { dims: [4] }), makeInput("x", { dims: [] })]), null);
    assert.equal(batchCompatibilityOf([]), null);
  });

  it("compares the shapes of inputs with a variable dimension, apart from the batch dimension", () => {
    const isCompatible = batchCompatibilityOf([
      makeInput("x", { dims: [4] }),
      makeInput("x", { dims: [-1, 2] }),
    ]);
    assert.ok(isCompatible !== null);
    assert.ok(isCompatible(requestOf([1, 4], [1, 3, 2]), requestOf([5, 4], [5, 3, 2])));
    assert.ok(!isCompatible(requestOf([1, 4], [1, 3, 2]), requestOf([1, 4], [1, 4, 2])));
    assert.ok(!isCompatible(requestOf([1, 4], [1, 3, 2]), requestOf([1, 4], [1, 3])));
  });

  it("compares every such input", () => {
    const isCompatible = batchCompatibilityOf([
      makeInput("x", { dims: [-1] }),
      makeInput("x", { dims: [-1] }),
    ]);
    assert.ok(isCompatible !== null);
    assert.ok(isCompatible(requestOf([1, 2], [1, 3]), requestOf([1, 2], [1, 3])));
    assert.ok(!isCompatible(requestOf([1, 2], [1, 3]), requestOf([1, 2], [1, 4])));
    assert.ok(!isCompatible(requestOf([1, 2], [1, 3]), requestOf([1, 9], [1, 3])));
  });

  it("lets ragged inputs have any shapes (row 126)", () => {
    const ragged = makeInput("a", { dims: [-1], allowRaggedBatch: true });
    assert.equal(batchCompatibilityOf([ragged]), null);
    const isCompatible = batchCompatibilityOf([ragged, makeInput("b", { dims: [-1] })]);
    assert.ok(isCompatible !== null);
    assert.ok(isCompatible(requestOf([1, 2], [1, 3]), requestOf([1, 9], [1, 3])));
    assert.ok(!isCompatible(requestOf([1, 2], [1, 3]), requestOf([1, 2], [1, 4])));
  });

  it("lets padded axes differ, and nothing else of their inputs", () => {
    const padded = new Map([["x", 1]]);
    assert.equal(batchCompatibilityOf([makeInput("x", { dims: [-1, 2] })], padded), null);
    const isCompatible = batchCompatibilityOf([makeInput("x", { dims: [-1, -1] })], padded);
    assert.ok(isCompatible !== null);
    assert.ok(isCompatible(requestOf([1, 2, 5]), requestOf([1, 3, 5])));
    assert.ok(!isCompatible(requestOf([1, 2, 5]), requestOf([1, 2, 6])));

    const optional = [makeInput("x0", { dims: [-1, -1], isOptional: true })];
    const isSame = batchCompatibilityOf(optional, new Map([["x0", 2]]));
    assert.ok(isSame !== null);
    assert.ok(isSame(requestOf([1, 2, 5]), requestOf([1, 2, 6])));
    assert.ok(!isSame(requestOf([1, 2, 5]), requestOf([1, 3, 5])));
    assert.ok(!isSame(requestOf([1, 2, 5]), requestOf()));
  });

  it("wants the same inputs where some may be left out (row 65)", () => {
    const named = (...inputs: (readonly [string, number[]])[]): InferenceRequest =>
      makeRequest({
        inputs: inputs.map(([name, shape]) => new Tensor(name, "FP32", shape, new Uint8Array())),
      }).request;
    const isCompatible = batchCompatibilityOf([
      makeInput("a", { isOptional: true }),
      makeInput("b", { isOptional: true }),
      makeInput("c", { dims: [-1], isOptional: true }),
    ]);
    assert.ok(isCompatible !== null);
    const a = (): InferenceRequest => named(["a", [1, 4]]);
    assert.ok(isCompatible(a(), a()));
    assert.ok(!isCompatible(a(), named(["b", [1, 4]])));
    assert.ok(!isCompatible(a(), named(["a", [1, 4]], ["b", [1, 4]])));
    assert.ok(!isCompatible(named(["a", [1, 4]], ["b", [1, 4]]), a()));
    assert.ok(isCompatible(named(), named()));
    assert.ok(isCompatible(named(["b", [1, 4]], ["c", [1, 2]]), named(["b", [5, 4]], ["c", [5, 2]])));
    assert.ok(!isCompatible(named(["c", [1, 2]]), named(["c", [1, 3]])));
  });
});
