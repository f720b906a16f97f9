import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { inputOf, lengthOf, paddedLength, roundUp } from "../../../../server/core/padded-length.ts";
import { Tensor } from "../../../../server/core/tensor.ts";
import { requestOfLength } from "../../../helpers/padded-requests.ts";
import { makeRequest } from "../../../helpers/recorded-request.ts";

const input = { name: "INPUT0", index: 0, axis: 1, multipleOf: 4 };

describe("paddedLength", () => {
  it("is the longest request's, rounded up", () => {
    const batch = [3, 9, 0].map((length) => requestOfLength(length).request);
    assert.equal(paddedLength(batch, input), 12);
    assert.equal(paddedLength(batch, { ...input, multipleOf: 1 }), 9);
    assert.equal(paddedLength([requestOfLength(0).request], input), 0);
  });

  it("takes an input that was left out for empty", () => {
    const { request } = makeRequest({ inputs: [] });
    assert.equal(lengthOf(request, input), 0);
    assert.equal(paddedLength([request], input), 0);
  });
});

describe("inputOf", () => {
  it("finds an input that stands further in front because an optional one was left out", () => {
    const tensor = new Tensor("b", "FP32", [1], new Uint8Array());
    const { request } = makeRequest({ inputs: [tensor] });
    assert.equal(inputOf(request, 1, "b"), tensor);
    assert.equal(inputOf(request, 0, "a"), undefined);
  });
});

describe("roundUp", () => {
  it("gives the next multiple", () => {
    assert.deepEqual(
      [0, 1, 8, 9].map((length) => roundUp(length, 8)),
      [0, 8, 8, 16],
    );
  });
});
