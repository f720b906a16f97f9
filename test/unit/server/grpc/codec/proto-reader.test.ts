import assert from "node:assert/strict";
import fc from "fast-check";
import { describe, it } from "mocha";
import protobuf from "protobufjs/light.js";
import { ProtoReader } from "../../../../../server/grpc/codec/proto-reader.ts";

function reader(...bytes: number[]): ProtoReader {
  return new ProtoReader(Buffer.from(bytes), "Message");
}

describe("ProtoReader", () => {
  it("ProtoReader reads 64-bit varints as protobufjs writes them", () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), (value) => {
        const bytes = protobuf.Writer.create().uint64(value.toString()).finish();
        const source = new ProtoReader(Buffer.from(bytes), "Message");
        source.varint64("f");
        assert.equal((BigInt(source.high) << 32n) | BigInt(source.low), value);
        assert.equal(source.offset, bytes.length);
      }),
      { seed: 5, numRuns: 2000 },
    );
  });

  it("ProtoReader reads signed numbers up to 2^53 and refuses larger ones", () => {
    for (const value of [0, 1, -1, 2 ** 32, -(2 ** 32), Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER]) {
      const bytes = protobuf.Writer.create().int64(value).finish();
      assert.equal(new ProtoReader(Buffer.from(bytes), "Message").int64Number("f"), value);
    }
    const bytes = protobuf.Writer.create().int64("9007199254740992").finish();
    assert.throws(() => new ProtoReader(Buffer.from(bytes), "Message").int64Number("f"), {
      code: "INVALID_ARG",
      message: /beyond 2\^53/,
    });
  });

  it("ProtoReader does not read behind its end", () => {
    const source = reader(0x80, 0x01, 0x05);
    source.end = 1;
    assert.throws(() => source.varint64("f"), {
      message: "Malformed Message: a number ends too early at byte 0 of 3, in f",
    });
    source.end = 2;
    source.varint64("f");
    assert.equal(source.low, 128);
    assert.throws(() => source.uint32("f"), { message: /ends too early at byte 2/ });
  });

  it("ProtoReader refuses tags and lengths of more than 32 bits", () => {
    assert.throws(() => reader(0x80, 0x80, 0x80, 0x80, 0x80, 0x01).delimitedEnd("f"), {
      code: "INVALID_ARG",
      message: /more than 32 bits/,
    });
    assert.throws(() => reader(0xff, 0xff, 0xff, 0xff, 0x0f, 0).delimitedEnd("f"), {
      message: /4294967295 bytes announced, 1 left/,
    });
  });

  it("ProtoReader refuses field number 0 and wire types that do not exist", () => {
    assert.throws(() => reader(0x02).tag("f"), { message: /field number 0/ });
    for (const wire of [3, 4, 6, 7]) {
      const source = reader((1 << 3) | wire);
      assert.throws(() => source.skip(source.tag("f"), "f"), {
        message: new RegExp(`wire type ${wire} of field 1`),
      });
    }
  });

  it("ProtoReader refuses to skip what is not all there", () => {
    for (const bytes of [[0x08], [0x09, 1, 2, 3, 4, 5, 6, 7], [0x0a, 2, 1], [0x0d, 1, 2, 3]]) {
      const source = reader(...bytes);
      const tag = source.tag("f");
      assert.throws(() => source.skip(tag, "f"), { code: "INVALID_ARG" });
    }
  });
});
