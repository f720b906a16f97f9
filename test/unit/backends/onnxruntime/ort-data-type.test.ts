import assert from "node:assert/strict";
import { describe, it } from "mocha";
import {
  onnxTypeName,
  ortElementTypeFor,
  ortElementTypeOf,
} from "../../../../backends/onnxruntime/ort-data-type.ts";
import { dataTypeByteSize, dataTypes } from "../../../../server/core/data-type.ts";

/** ONNX element type numbers, from onnx.proto. */
const onnxNumbers = {
  FP32: 1,
  UINT8: 2,
  INT8: 3,
  UINT16: 4,
  INT16: 5,
  INT32: 6,
  INT64: 7,
  BYTES: 8,
  BOOL: 9,
  FP16: 10,
  FP64: 11,
  UINT32: 12,
  UINT64: 13,
} as const;

describe("ortElementTypeFor", () => {
  it("carries every data type but BF16", () => {
    assert.deepEqual(
      dataTypes.filter((type) => ortElementTypeFor(type) === null),
      ["BF16"],
    );
  });

  it("gives each type a view with elements of its size; BYTES become strings", () => {
    for (const type of dataTypes) {
      const view = ortElementTypeFor(type)?.view as { BYTES_PER_ELEMENT: number } | null | undefined;
      if (view !== undefined) assert.equal(view?.BYTES_PER_ELEMENT ?? 0, dataTypeByteSize[type], type);
    }
  });
});

describe("ortElementTypeOf", () => {
  it("knows the ONNX numbers", () => {
    for (const [type, number] of Object.entries(onnxNumbers))
      assert.equal(ortElementTypeOf(number)?.datatype, type);
  });

  it("is null for what the binding cannot carry", () => {
    for (const number of [0, 14, 16, 22, 99]) assert.equal(ortElementTypeOf(number), null);
  });
});

describe("onnxTypeName", () => {
  it("names known, uncarried and unheard-of types", () => {
    assert.equal(onnxTypeName(1), "float32");
    assert.equal(onnxTypeName(16), "bfloat16");
    assert.equal(onnxTypeName(99), "ONNX type 99");
  });
});
