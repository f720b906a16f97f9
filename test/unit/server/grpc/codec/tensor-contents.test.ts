import assert from "node:assert/strict";
import { describe, it } from "mocha";
import type { DataType } from "../../../../../server/core/data-type.ts";
import { ProtoReader } from "../../../../../server/grpc/codec/proto-reader.ts";
import { readTensorContents } from "../../../../../server/grpc/codec/tensor-contents.ts";
import { encodeMessage } from "../wire.ts";

function readBytes(datatype: DataType, bytes: Buffer): number[] {
  const reader = new ProtoReader(bytes, "InferTensorContents");
  return [...readTensorContents(reader, [0, bytes.length], datatype, "IN")];
}

function convert(datatype: DataType, contents: object, packed = true): number[] {
  return readBytes(datatype, encodeMessage("InferTensorContents", contents, packed));
}

const cases: readonly (readonly [DataType, object, readonly number[]])[] = [
  ["BOOL", { bool_contents: [true, false, true] }, [1, 0, 1]],
  ["INT8", { int_contents: [-1, 127, 256 + 5] }, [0xff, 0x7f, 5]],
  ["INT16", { int_contents: [-2, 0x1_0003] }, [0xfe, 0xff, 3, 0]],
  ["INT32", { int_contents: [-2, 300] }, [0xfe, 0xff, 0xff, 0xff, 0x2c, 1, 0, 0]],
  [
    "INT64",
    { int64_contents: ["-1", "4294967296"] },
    [...new Array<number>(8).fill(0xff), 0, 0, 0, 0, 1, 0, 0, 0],
  ],
  ["UINT8", { uint_contents: [255, 256] }, [0xff, 0]],
  ["UINT16", { uint_contents: [0xfffe] }, [0xfe, 0xff]],
  ["UINT32", { uint_contents: [0xffff_fffe] }, [0xfe, 0xff, 0xff, 0xff]],
  ["UINT64", { uint64_contents: ["18446744073709551614"] }, [0xfe, ...new Array<number>(7).fill(0xff)]],
  ["FP32", { fp32_contents: [1, -2] }, [0, 0, 0x80, 0x3f, 0, 0, 0, 0xc0]],
  ["FP64", { fp64_contents: [1] }, [0, 0, 0, 0, 0, 0, 0xf0, 0x3f]],
  ["BYTES", { bytes_contents: [Buffer.from("ab"), Buffer.of(0)] }, [2, 0, 0, 0, 0x61, 0x62, 1, 0, 0, 0, 0]],
];

describe("readTensorContents", () => {
  for (const [datatype, contents, expected] of cases) {
    it(`readTensorContents converts ${datatype}, packed and unpacked`, () => {
      const [packed, unpacked] = [true, false].map((form) =>
        encodeMessage("InferTensorContents", contents, form),
      );
      if (datatype !== "BYTES") assert.notDeepEqual(packed, unpacked);
      assert.deepEqual(convert(datatype, contents), expected);
      assert.deepEqual(convert(datatype, contents, false), expected);
    });
  }

  it("readTensorContents joins several contents messages and several runs of one list", () => {
    const one = encodeMessage("InferTensorContents", { fp32_contents: [1] });
    const two = encodeMessage("InferTensorContents", { fp32_contents: [2] }, false);
    const bytes = Buffer.concat([one, two, one]);
    const reader = new ProtoReader(bytes, "InferTensorContents");
    const split = one.length + two.length;
    const data = readTensorContents(reader, [0, split, split, bytes.length], "FP32", "IN");
    assert.deepEqual([...new Float32Array(Uint8Array.from(data).buffer)], [1, 2, 1]);
  });

  it("readTensorContents puts the reader's end back", () => {
    const bytes = encodeMessage("InferTensorContents", { bool_contents: [true] });
    const reader = new ProtoReader(Buffer.concat([bytes, Buffer.of(0)]), "InferTensorContents");
    readTensorContents(reader, [0, bytes.length], "BOOL", "IN");
    assert.equal(reader.end, bytes.length + 1);
  });

  it("readTensorContents reads empty contents and empty lists as no bytes, whatever the datatype", () => {
    for (const datatype of ["FP32", "FP16", "BYTES", "INT64"] as const) {
      assert.deepEqual(convert(datatype, {}), []);
      assert.deepEqual(readBytes(datatype, Buffer.of((1 << 3) | 2, 0)), []);
    }
  });

  it("readTensorContents refuses a list of another datatype and names the right one", () => {
    assert.throws(() => convert("FP32", { int_contents: [1] }), {
      code: "INVALID_ARG",
      message: "Unexpected int_contents for input tensor 'IN' of type FP32: expected fp32_contents",
    });
  });

  it("readTensorContents refuses typed contents of FP16 and BF16", () => {
    for (const datatype of ["FP16", "BF16"] as const) {
      assert.throws(() => convert(datatype, { fp32_contents: [1] }), {
        code: "INVALID_ARG",
        message: `Unexpected fp32_contents for input tensor 'IN' of type ${datatype}: expected raw_input_contents`,
      });
    }
  });

  it("readTensorContents refuses two lists with elements", () => {
    for (const packed of [true, false]) {
      assert.throws(() => convert("INT32", { int_contents: [1], uint_contents: [1] }, packed), {
        code: "INVALID_ARG",
        message: /^Unexpected uint_contents/,
      });
    }
    assert.throws(() => convert("INT32", { int_contents: [1], bytes_contents: [Buffer.of()] }), {
      message: /^Unexpected bytes_contents/,
    });
  });

  it("readTensorContents refuses a packed list that is torn", () => {
    const tornFloat = Buffer.of((6 << 3) | 2, 3, 0, 0, 0);
    assert.throws(() => readBytes("FP32", tornFloat), {
      code: "INVALID_ARG",
      message: /packed list of 3 bytes/,
    });
    const tornVarint = Buffer.of((3 << 3) | 2, 2, 1, 0x80);
    assert.throws(() => readBytes("INT64", tornVarint), { code: "INVALID_ARG", message: /ends too early/ });
    const longVarint = Buffer.from([(3 << 3) | 2, 12, ...new Array<number>(11).fill(0x80), 1]);
    assert.throws(() => readBytes("INT64", longVarint), {
      code: "INVALID_ARG",
      message: /more than 10 bytes/,
    });
  });

  it("readTensorContents takes any non-zero varint as true", () => {
    const bytes = Buffer.from([
      (1 << 3) | 2,
      12,
      2,
      0x80,
      0x80,
      0x80,
      0x80,
      0x80,
      0x80,
      0x80,
      0x80,
      0x80,
      1,
      0,
    ]);
    assert.deepEqual(readBytes("BOOL", bytes), [1, 1, 0]);
  });
});
