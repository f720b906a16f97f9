import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { Tensor } from "../../../../server/core/tensor.ts";

describe("Tensor", () => {
  it("lends the bytes that it was given", () => {
    const data = Uint8Array.of(1, 2);
    const tensor = new Tensor("x", "UINT8", [2], data);
    assert.equal(tensor.data, data);
    assert.deepEqual([tensor.name, tensor.datatype, tensor.shape], ["x", "UINT8", [2]]);
  });
});
