import assert from "node:assert/strict";
import fc from "fast-check";
import { describe, it } from "mocha";
import {
  checkStringTensor,
  decodeStringTensor,
  encodeStringTensor,
} from "../../../../backends/onnxruntime/string-tensor.ts";
import { joinBytesElements } from "../../../../server/core/bytes-elements.ts";
import { Tensor } from "../../../../server/core/tensor.ts";

function messageFor(...elements: number[][]): string | undefined {
  const data = joinBytesElements(elements.map((element) => Uint8Array.from(element)));
  return checkStringTensor(new Tensor("TEXT", "BYTES", [elements.length], data))?.message;
}

describe("checkStringTensor", () => {
  it("accepts UTF-8, the empty string and the byte order mark", () => {
    assert.equal(
      messageFor([], [0x61], [0xc3, 0x9f], [0xf0, 0x9f, 0x98, 0x80], [0xef, 0xbb, 0xbf]),
      undefined,
    );
  });

  it("refuses what is not UTF-8 and names the element", () => {
    assert.match(messageFor([0x61], [0xff]) ?? "", /^element 1 of input 'TEXT' is not valid UTF-8,/);
    // A surrogate and a character that is cut off.
    assert.ok(messageFor([0xed, 0xa0, 0x80]));
    assert.ok(messageFor([0xc3]));
  });

  it("refuses NUL, which would cut the string", () => {
    assert.match(messageFor([0x61, 0, 0x62]) ?? "", /^element 0 of input 'TEXT' holds a NUL byte,/);
  });

  it("is INVALID_ARG", () => {
    const data = joinBytesElements([Uint8Array.of(0)]);
    assert.equal(checkStringTensor(new Tensor("TEXT", "BYTES", [1], data))?.code, "INVALID_ARG");
  });
});

describe("decodeStringTensor", () => {
  it("undoes encodeStringTensor, byte order marks included", () => {
    const text = fc.string({ unit: "grapheme", maxLength: 20 });
    fc.assert(
      fc.property(fc.array(text, { maxLength: 10 }), (strings) => {
        assert.deepEqual(decodeStringTensor(encodeStringTensor(strings)), strings);
      }),
    );
    assert.deepEqual(decodeStringTensor(encodeStringTensor(["\uFEFFa"])), ["\uFEFFa"]);
  });
});
