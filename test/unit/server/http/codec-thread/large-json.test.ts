import assert from "node:assert/strict";
import { describe, it } from "mocha";
import type { DataType } from "../../../../../server/core/data-type.ts";
import { InferenceResponse } from "../../../../../server/core/inference-response.ts";
import { Tensor } from "../../../../../server/core/tensor.ts";
import { allBinary, allJson, OutputEncodings } from "../../../../../server/http/codec/output-encodings.ts";
import { isLargeJson, isLargeJsonResponse } from "../../../../../server/http/codec-thread/large-json.ts";

function response(...outputs: readonly (readonly [DataType, number])[]): InferenceResponse {
  return new InferenceResponse({
    modelName: "m",
    modelVersion: "1",
    id: "",
    parameters: null,
    buffer: null,
    outputs: outputs.map(
      ([datatype, bytes], i) => new Tensor(`OUTPUT${i}`, datatype, [1], new Uint8Array(bytes)),
    ),
  });
}

describe("isLargeJson", () => {
  it("is for more than 64 KiB", () => {
    assert.deepEqual([isLargeJson(65_536), isLargeJson(65_537), isLargeJson(0)], [false, true, false]);
  });
});

describe("isLargeJsonResponse", () => {
  for (const [datatype, elementBytes] of [
    ["BOOL", 1],
    ["UINT8", 1],
    ["INT16", 2],
    ["FP32", 4],
    ["INT64", 8],
    ["FP64", 8],
  ] as const) {
    it(`is for more than 8192 elements of ${datatype}`, () => {
      const small = response([datatype, 8192 * elementBytes]);
      const large = response([datatype, 8193 * elementBytes]);
      assert.deepEqual(
        [isLargeJsonResponse(small, allJson), isLargeJsonResponse(large, allJson)],
        [false, true],
      );
    });
  }

  it("counts the bytes of strings", () => {
    const small = response(["BYTES", 65_536]);
    const large = response(["BYTES", 65_537]);
    assert.deepEqual(
      [isLargeJsonResponse(small, allJson), isLargeJsonResponse(large, allJson)],
      [false, true],
    );
  });

  it("does not count binary outputs", () => {
    const outputs = response(["FP32", 1_000_000], ["FP32", 32_768]);
    assert.equal(isLargeJsonResponse(outputs, allBinary), false);
    assert.equal(
      isLargeJsonResponse(outputs, new OutputEncodings(new Map([["OUTPUT0", "binary"]]), "json")),
      false,
    );
    assert.equal(
      isLargeJsonResponse(outputs, new OutputEncodings(new Map([["OUTPUT1", "binary"]]), "json")),
      true,
    );
  });

  it("adds up all outputs", () => {
    assert.equal(isLargeJsonResponse(response(["FP32", 16_384], ["FP32", 16_388]), allJson), true);
  });
});
