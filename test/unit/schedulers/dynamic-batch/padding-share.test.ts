import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { PaddingShare } from "../../../../schedulers/dynamic-batch/padding-share.ts";
import type { InferenceRequest } from "../../../../server/core/inference-request.ts";
import { Tensor } from "../../../../server/core/tensor.ts";
import { makeRequest } from "../../../helpers/recorded-request.ts";
import { requestOfLength } from "../../../helpers/padded-requests.ts";

const input0 = { name: "INPUT0", index: 0, axis: 1, multipleOf: 1 };

/** Which of the lengths, the first one's batch apart, are taken. */
function joined(share: PaddingShare, first: number, ...others: number[]): number[] {
  share.begin(requestOfLength(first).request);
  return others.filter((length) => share.tryAdd(requestOfLength(length).request));
}

describe("PaddingShare", () => {
  it("takes requests as long as the share of padding is within the limit", () => {
    // 6, 8: 2 of 16. 5: 5 of 24. 4: 9 of 32.
    assert.deepEqual(joined(new PaddingShare([input0], 0.25), 6, 8, 5, 4, 8), [8, 5, 8]);
    // Exactly the limit.
    assert.deepEqual(joined(new PaddingShare([input0], 0.25), 8, 4), [4]);
    assert.deepEqual(joined(new PaddingShare([input0], 0.249), 8, 4), []);
  });

  it("joins only equal lengths with a limit of 0, and all with 1", () => {
    assert.deepEqual(joined(new PaddingShare([input0], 0), 6, 7, 6, 5), [6]);
    assert.deepEqual(joined(new PaddingShare([input0], 1), 1, 1_000, 0, 3), [1_000, 0, 3]);
  });

  it("counts what the longest request adds to those before it", () => {
    assert.deepEqual(joined(new PaddingShare([input0], 0.25), 10, 10, 10, 20, 11), [10, 10, 11]);
  });

  it("does not count what multiple_of adds", () => {
    const share = new PaddingShare([{ ...input0, multipleOf: 8 }], 0);
    assert.deepEqual(joined(share, 1, 8, 3, 9, 0), [8, 3]);
  });

  it("counts a request with several rows as often, and one without rows once", () => {
    const share = new PaddingShare([input0], 0.25);
    share.begin(requestOfLength(10, { batchSize: 3 }).request);
    // 5 of 40, then 10 of 50.
    assert.ok(share.tryAdd(requestOfLength(5, { batchSize: 1 }).request));
    assert.ok(share.tryAdd(requestOfLength(5, { batchSize: 0 }).request));
    assert.ok(!share.tryAdd(requestOfLength(5, { batchSize: 2 }).request));
  });

  it("holds the limit for each input by itself", () => {
    const two = (a: number, b: number): InferenceRequest =>
      makeRequest({
        inputs: [
          new Tensor("a", "FP32", [1, a], new Uint8Array()),
          new Tensor("b", "FP32", [1, 3, b], new Uint8Array()),
        ],
      }).request;
    const share = new PaddingShare(
      [
        { name: "a", index: 0, axis: 1, multipleOf: 1 },
        { name: "b", index: 1, axis: 2, multipleOf: 1 },
      ],
      0.25,
    );
    share.begin(two(100, 4));
    assert.ok(!share.tryAdd(two(100, 1)), "of b there would be 3 of 8");
    assert.ok(share.tryAdd(two(90, 4)));
  });

  it("starts again with each batch", () => {
    const share = new PaddingShare([input0], 0);
    assert.deepEqual(joined(share, 6, 6), [6]);
    assert.deepEqual(joined(share, 0, 0, 6), [0]);
    assert.deepEqual(joined(share, 7, 6, 7), [7]);
  });

  it("takes optional inputs that all leave out for equally long", () => {
    const share = new PaddingShare([input0], 0);
    share.begin(makeRequest({ inputs: [] }).request);
    assert.ok(share.tryAdd(makeRequest({ inputs: [] }).request));
  });
});
