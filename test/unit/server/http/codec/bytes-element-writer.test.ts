import assert from "node:assert/strict";
import fc from "fast-check";
import { describe, it } from "mocha";
import { joinBytesElements } from "../../../../../server/core/bytes-elements.ts";
import { BytesElementWriter } from "../../../../../server/http/codec/bytes-element-writer.ts";

describe("BytesElementWriter", () => {
  it("writes what joinBytesElements does, with more room reserved than used", () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 100 })), fc.nat(50), (elements, surplus) => {
        const writer = new BytesElementWriter(0);
        for (const element of elements) {
          const { bytes, offset } = writer.reserve(element.byteLength + surplus);
          bytes.set(element, offset);
          writer.commit(element.byteLength);
        }
        const expected = joinBytesElements(elements);
        assert.equal(writer.byteLength, expected.byteLength);
        assert.deepEqual(writer.finish(), expected);
      }),
    );
  });

  it("writes a length of four bytes", () => {
    const writer = new BytesElementWriter(0);
    writer.reserve(0x012345);
    writer.commit(0x012345);
    assert.deepEqual([...writer.finish().subarray(0, 4)], [0x45, 0x23, 0x01, 0x00]);
  });
});
