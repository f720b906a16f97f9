import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { decodeHeaderBlock } from "../../../../../../perf_analyzer/client-backend/h2/codec/hpack-decoder.ts";
import { decodeHuffman } from "../../../../../../perf_analyzer/client-backend/h2/codec/huffman-code.ts";
import { RepeatedHeaderBlock } from "../../../../../../perf_analyzer/client-backend/h2/codec/repeated-header-block.ts";

const hex = (text: string): Buffer => Buffer.from(text.replaceAll(" ", ""), "hex");

describe("decodeHuffman", () => {
  // The examples of RFC 7541, appendix C.
  for (const [bytes, text] of [
    ["f1e3 c2e5 f23a 6ba0 ab90 f4ff", "www.example.com"],
    ["a8eb 1064 9cbf", "no-cache"],
    ["25a8 49e9 5bb8 e8b4 bf", "custom-value"],
    ["aec3 771a 4b", "private"],
    ["d07a be94 1054 d444 a820 0595 040b 8166 e082 a62d 1bff", "Mon, 21 Oct 2013 20:13:21 GMT"],
    ["9d29 ad17 1863 c78f 0b97 c8e9 ae82 ae43 d3", "https://www.example.com"],
  ] as const) {
    it(`reads ${JSON.stringify(text)}`, () => assert.equal(decodeHuffman(hex(bytes)), text));
  }

  it("refuses padding that is too long or not of ones", () => {
    assert.throws(() => decodeHuffman(hex("a8eb 1064 9cbf ff")), /cut off/);
    assert.throws(() => decodeHuffman(hex("a8eb 1064 9cb0")), /cut off/);
  });
});

describe("decodeHeaderBlock", () => {
  it("reads fields of the table, literals of all kinds and compressed texts", () => {
    const block = hex(
      "88 40 0a 6375 7374 6f6d 2d6b 6579 0d 6375 7374 6f6d 2d68 6561 6465 72 0f10 01 61 10 01 62 01 63",
    );
    assert.deepEqual(
      [...decodeHeaderBlock(block)],
      [
        [":status", "200"],
        ["custom-key", "custom-header"],
        ["content-type", "a"],
        ["b", "c"],
      ],
    );
    // 20: the table has no room from now on.
    assert.deepEqual([...decodeHeaderBlock(hex("20 48 82 64 02"))], [[":status", "302"]]);
  });

  it("reads lengths of several bytes", () => {
    const value = "v".repeat(1_337);
    const block = Buffer.concat([hex("00 01 61 7f ba 09"), Buffer.from(value)]);
    assert.equal(decodeHeaderBlock(block).get("a"), value);
  });

  it("refuses a table that must not be there, and what is cut off", () => {
    assert.throws(() => decodeHeaderBlock(hex("be")), /header 62, which is in no table/);
    assert.throws(() => decodeHeaderBlock(hex("3f e1 1f")), /told not to use/);
    assert.throws(() => decodeHeaderBlock(hex("00 05 61")), /cut off/);
    assert.throws(() => decodeHeaderBlock(hex("ff")), /cut off/);
    assert.throws(() => decodeHeaderBlock(hex("ff ff ff ff ff ff ff ff")), /out of range/);
  });
});

describe("RepeatedHeaderBlock", () => {
  const fields = [
    [":method", "POST"],
    [":path", "/a"],
    ["te", "trailers"],
  ] as const;

  it("writes literals that can be read", () => {
    const { plain } = new RepeatedHeaderBlock(fields);
    assert.deepEqual([...decodeHeaderBlock(plain)], fields);
  });

  it("puts fields into the server's table once and refers to them, the newest first", () => {
    const { first, repeated, tableBytes } = new RepeatedHeaderBlock(fields);
    assert.deepEqual(first, hex("83 44 02 2f61 40 02 7465 08 7472 6169 6c65 7273"));
    assert.deepEqual(repeated, hex("83 bf be"));
    assert.equal(tableBytes, 5 + 2 + 32 + 2 + 8 + 32);
  });
});
