import assert from "node:assert/strict";
import fc from "fast-check";
import { describe, it } from "mocha";
import protobuf from "protobufjs/light.js";
import {
  int64Size,
  textByteLength,
  varintSize,
  writeInt64,
  writeText,
  writeVarint,
} from "../../../../../server/grpc/codec/proto-writer.ts";

describe("proto-writer", () => {
  it("writeVarint writes what protobufjs writes, in varintSize bytes", () => {
    const edges = [
      0, 1, 0x7f, 0x80, 0x3fff, 0x4000, 0x1f_ffff, 0x20_0000, 0xfff_ffff, 0x1000_0000, 0xffff_ffff,
    ];
    for (const value of edges) {
      const expected = Buffer.from(protobuf.Writer.create().uint32(value).finish());
      const out = Buffer.alloc(12, 0xee);
      assert.equal(writeVarint(out, 1, value), 1 + expected.length);
      assert.equal(varintSize(value), expected.length);
      assert.deepEqual(out.subarray(1, 1 + expected.length), expected);
    }
  });

  it("writeInt64 writes what protobufjs writes, in int64Size bytes", () => {
    const edges = [7, 14, 21, 28, 32, 35, 42, 49, 53, 56, 63].flatMap((bit) => [
      2n ** BigInt(bit) - 1n,
      2n ** BigInt(bit),
    ]);
    const values = edges.filter((value) => value < 2n ** 63n).flatMap((value) => [value, -value]);
    const check = (value: bigint): void => {
      const expected = Buffer.from(protobuf.Writer.create().int64(value.toString()).finish());
      const forms: (bigint | number)[] = [value];
      if (Number.isSafeInteger(Number(value))) forms.push(Number(value));
      for (const form of forms) {
        const out = Buffer.alloc(10, 0xee);
        const end = writeInt64(out, 0, form);
        assert.equal(int64Size(form), expected.length);
        assert.deepEqual(out.subarray(0, end), expected);
      }
    };
    values.forEach(check);
    fc.assert(fc.property(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), check), {
      seed: 6,
      numRuns: 1000,
    });
  });

  it("writeText writes short and long texts of any script, in textByteLength bytes", () => {
    const text = fc.oneof(fc.string({ maxLength: 150 }), fc.string({ unit: "grapheme", maxLength: 100 }));
    fc.assert(
      fc.property(text, (value) => {
        const expected = Buffer.from(value);
        assert.equal(textByteLength(value), expected.length);
        const out = Buffer.alloc(expected.length + 5);
        const end = writeText(out, 0, value);
        assert.deepEqual(out.subarray(varintSize(expected.length), end), expected);
      }),
      { seed: 7, numRuns: 1000 },
    );
  });
});
