import assert from "node:assert/strict";
import { describe, it } from "mocha";
import type { DataType } from "../../../../server/core/data-type.ts";
import { Tensor } from "../../../../server/core/tensor.ts";
import { findDifference } from "../../../../server/golden/golden-difference.ts";

const exact = { absolute: 0, relative: 0 };

function tensor(datatype: DataType, shape: number[], values: ArrayBufferView): Tensor {
  return new Tensor(
    "OUT",
    datatype,
    shape,
    new Uint8Array(values.buffer, values.byteOffset, values.byteLength),
  );
}

const fp32 = (...values: number[]): Tensor => tensor("FP32", [values.length], Float32Array.from(values));

function texts(...values: string[]): Tensor {
  const elements = values.map((text) => {
    const bytes = Buffer.from(text);
    const header = Buffer.alloc(4);
    header.writeUInt32LE(bytes.byteLength);
    return Buffer.concat([header, bytes]);
  });
  return tensor("BYTES", [values.length], Buffer.concat(elements));
}

describe("findDifference", () => {
  it("finds none between equal tensors, whatever else the answer has", () => {
    const other = new Tensor("OTHER", "FP32", [0], new Uint8Array(0));
    for (const same of [
      fp32(1, Number.NaN, Number.POSITIVE_INFINITY, 0),
      tensor("FP64", [1], Float64Array.from([0.1])),
      tensor("INT64", [2], BigInt64Array.from([-5n, 2n ** 62n])),
      tensor("UINT64", [1], BigUint64Array.from([2n ** 64n - 1n])),
      tensor("BOOL", [2], Uint8Array.from([0, 1])),
      tensor("INT8", [1], Int8Array.from([-1])),
      tensor("INT16", [1], Int16Array.from([-1])),
      tensor("UINT16", [1], Uint16Array.from([60_000])),
      texts("a", "", "é"),
    ]) {
      assert.equal(findDifference([same], [other, same], exact), null, same.datatype);
    }
    assert.equal(findDifference([fp32(0)], [fp32(-0)], exact), null);
  });

  it("tells output, position, expected and found value", () => {
    const wanted = tensor("INT32", [2, 3], Int32Array.from([1, 2, 3, 4, 5, 6]));
    const got = tensor("INT32", [2, 3], Int32Array.from([1, 2, 3, 4, 7, 6]));
    assert.equal(findDifference([wanted], [got], exact), "output 'OUT': at [1, 1] expected 5, got 7");
    assert.equal(
      findDifference([texts("a")], [texts("b")], exact),
      `output 'OUT': at [0] expected "a", got "b"`,
    );
    assert.equal(
      findDifference([fp32(100)], [fp32(102)], { absolute: 0.5, relative: 0.01 }),
      "output 'OUT': at [0] expected 100 ± 1.5, got 102",
    );
  });

  it("compares floating-point numbers with the tolerance, and nothing else", () => {
    const tolerance = { absolute: 0.5, relative: 0.01 };
    assert.equal(findDifference([fp32(100, -100)], [fp32(101.5, -101.5)], tolerance), null);
    assert.notEqual(findDifference([fp32(100)], [fp32(101.6)], tolerance), null);
    assert.notEqual(findDifference([fp32(1)], [fp32(Number.NaN)], tolerance), null);
    assert.notEqual(findDifference([fp32(Number.POSITIVE_INFINITY)], [fp32(1)], tolerance), null);
    const int = (value: number): Tensor => tensor("INT32", [1], Int32Array.from([value]));
    assert.notEqual(findDifference([int(1000)], [int(1001)], tolerance), null);
  });

  it("tells other types, shapes, and outputs that are missing", () => {
    const got = fp32(1, 2);
    assert.match(
      findDifference([fp32(1)], [got], exact) ?? "",
      /expected FP32 of shape \[1\], got FP32 of shape \[2\]/,
    );
    const int = tensor("INT32", [2], Int32Array.from([1, 2]));
    assert.match(findDifference([int], [got], exact) ?? "", /expected INT32 of shape/);
    const absent = new Tensor("ABSENT", "FP32", [0], new Uint8Array(0));
    assert.equal(
      findDifference([absent], [got], exact),
      "output 'ABSENT': the answer has no such output, but 'OUT'",
    );
  });
});
