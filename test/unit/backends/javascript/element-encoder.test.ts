import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { encodeElements } from "../../../../backends/javascript/element-encoder.ts";
import { elementArrayTypes } from "../../../../backends/javascript/element-array.ts";
import type { DataType } from "../../../../server/core/data-type.ts";

const encode = (datatype: DataType, given: unknown) => encodeElements("T", datatype, given);

describe("encodeElements", () => {
  for (const [datatype, ArrayType] of Object.entries(elementArrayTypes) as [
    Exclude<DataType, "BYTES">,
    (typeof elementArrayTypes)["FP32"],
  ][]) {
    it(`takes the ${ArrayType.name} of ${datatype} without a copy`, () => {
      const given = new ArrayType(3);
      const { bytes, count } = encode(datatype, given);
      assert.equal(bytes.buffer, given.buffer);
      assert.deepEqual([bytes.byteLength, count], [given.byteLength, 3]);
    });
  }

  it("takes the part of a buffer that the array is a view of", () => {
    const { bytes } = encode("INT16", new Int16Array([1, 2, 3, 4]).subarray(1, 3));
    assert.deepEqual([bytes.byteOffset, [...bytes]], [2, [2, 0, 3, 0]]);
  });

  const values: readonly (readonly [DataType, unknown, number[]])[] = [
    ["INT8", [-1, 127], [255, 127]],
    ["UINT16", [65_535], [255, 255]],
    ["INT64", [-1n], [255, 255, 255, 255, 255, 255, 255, 255]],
    ["UINT64", [5], [5, 0, 0, 0, 0, 0, 0, 0]],
    ["BOOL", [true, false, 1, 0], [1, 0, 1, 0]],
    ["FP32", 1, [0, 0, 128, 63]],
    ["FP32", [NaN], [0, 0, 192, 127]],
    ["FP64", [-0], [0, 0, 0, 0, 0, 0, 0, 128]],
    ["BYTES", ["\u{e9}", Uint8Array.of(0)], [2, 0, 0, 0, 0xc3, 0xa9, 1, 0, 0, 0, 0]],
    ["BYTES", "", [0, 0, 0, 0]],
    ["UINT8", [], []],
  ];
  for (const [datatype, given, expected] of values) {
    it(`converts ${typeof given} ${String(given)} to ${datatype}`, () => {
      assert.deepEqual([...encode(datatype, given).bytes], expected);
    });
  }

  const wrong: readonly (readonly [DataType, unknown, string])[] = [
    ["UINT8", [256], "element 0 of tensor 'T' is 256, which UINT8 cannot hold"],
    ["INT32", [1, 1.5], "element 1 of tensor 'T' is number 1.5, but INT32 needs an Int32Array or integers"],
    ["UINT64", [-1], "element 0 of tensor 'T' is -1, which UINT64 cannot hold"],
    [
      "INT64",
      [2 ** 60],
      "element 0 of tensor 'T' is number 1152921504606847000, but INT64 needs a BigInt64Array or integers",
    ],
    ["INT64", new Int32Array(1), "tensor 'T' is Int32Array, but INT64 needs a BigInt64Array or integers"],
    ["FP32", ["1"], "element 0 of tensor 'T' is string, but FP32 needs a Float32Array or numbers"],
    ["FP32", [1n], "element 0 of tensor 'T' is bigint 1, but FP32 needs a Float32Array or numbers"],
    ["FP16", [1], "tensor 'T' is an array of number, but FP16 needs a Uint16Array with the elements' bits"],
    ["BF16", 1, "tensor 'T' is number 1, but BF16 needs a Uint16Array with the elements' bits"],
    ["BOOL", [2], "element 0 of tensor 'T' is number 2, but BOOL needs a Uint8Array or booleans"],
    ["BYTES", [1], "element 0 of tensor 'T' is number 1, but BYTES needs strings or Uint8Arrays"],
    ["FP64", null, "element 0 of tensor 'T' is null, but FP64 needs a Float64Array or numbers"],
  ];
  for (const [datatype, given, message] of wrong) {
    it(`refuses ${JSON.stringify(given, (_, value: unknown) => (typeof value === "bigint" ? `${value}n` : value))} for ${datatype}`, () => {
      assert.throws(() => encode(datatype, given), { name: "TypeError", message });
    });
  }
});
