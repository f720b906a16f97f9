import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { CachedResponse } from "../../../../server/cache/cached-response.ts";
import { InferenceResponse } from "../../../../server/core/inference-response.ts";
import { Tensor } from "../../../../server/core/tensor.ts";

describe("CachedResponse", () => {
  const bytes = Uint8Array.of(1, 2, 3, 4, 5);
  const shape = [3];
  const parameters = new Map([["p", 1]]);
  const original = new InferenceResponse({
    modelName: "m",
    modelVersion: "1",
    id: "first",
    outputs: [
      new Tensor("a", "UINT8", shape, bytes.subarray(0, 3)),
      new Tensor("b", "UINT8", [0], new Uint8Array(0)),
      new Tensor("c", "UINT8", [2], bytes.subarray(3)),
    ],
    parameters,
    buffer: null,
  });
  const copy = CachedResponse.copyOf(original);
  bytes.fill(9);
  shape[0] = 9;
  parameters.clear();

  it("outlives the memory that it was copied from", () => {
    const { outputs, ...rest } = copy.toResponse("m", "1", "second");
    assert.deepEqual(
      outputs.map(({ name, datatype, shape, data }) => [name, datatype, [...shape], [...data]]),
      [
        ["a", "UINT8", [3], [1, 2, 3]],
        ["b", "UINT8", [0], []],
        ["c", "UINT8", [2], [4, 5]],
      ],
    );
    assert.deepEqual(
      { ...rest },
      { modelName: "m", modelVersion: "1", id: "second", parameters: new Map([["p", 1]]) },
    );
  });

  it("gives views on the same memory to all", () => {
    const [one, other] = [copy.toResponse("m", "1", ""), copy.toResponse("m", "1", "")];
    assert.equal(one.outputs[0]?.data.buffer, other.outputs[0]?.data.buffer);
    assert.equal(one.outputs[0]?.data.buffer.byteLength, 5);
  });

  it("counts its bytes and what comes with them", () => {
    const overhead = CachedResponse.byteSizeOf(original.withOutputs([]));
    assert.ok(overhead > 0);
    assert.ok(copy.byteSize > overhead + 5);
  });
});
