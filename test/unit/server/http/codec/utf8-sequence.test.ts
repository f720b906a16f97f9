import assert from "node:assert/strict";
import { isUtf8 } from "node:buffer";
import fc from "fast-check";
import { describe, it } from "mocha";
import { utf8SequenceLength } from "../../../../../server/http/codec/utf8-sequence.ts";

describe("utf8SequenceLength", () => {
  it("accepts exactly the sequences that the runtime does", () => {
    for (let first = 0x80; first <= 0xff; first++) {
      for (const second of [0x00, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0]) {
        for (const rest of [0x7f, 0x80, 0xbf, 0xc0]) {
          const bytes = Buffer.of(first, second, rest, 0x80);
          const length = utf8SequenceLength(bytes, 0, 4);
          const valid = [2, 3, 4].find((end) => isUtf8(bytes.subarray(0, end))) ?? 0;
          assert.equal(length, valid, bytes.toString("hex"));
        }
      }
    }
  });

  it("gives the length of every character and refuses it when torn", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0x80, max: 0x10ffff }), (codePoint) => {
        fc.pre(codePoint < 0xd800 || codePoint > 0xdfff);
        const bytes = Buffer.from(String.fromCodePoint(codePoint));
        assert.equal(utf8SequenceLength(bytes, 0, bytes.byteLength), bytes.byteLength);
        assert.equal(utf8SequenceLength(bytes, 0, bytes.byteLength - 1), 0);
      }),
    );
  });
});
