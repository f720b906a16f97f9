import assert from "node:assert/strict";
import fc from "fast-check";
import { describe, it } from "mocha";
import {
  copyLastString,
  lastName,
  lastString,
  scanString,
} from "../../../../../server/http/codec/json-string.ts";
import { readerOf } from "./json-tree.ts";
import { invalid } from "./status-matcher.ts";

function read(text: string | Uint8Array): string {
  const reader = readerOf(text);
  scanString(reader);
  assert.equal(reader.position, reader.end);
  return lastString(reader);
}

/** Every character as a \u escape, in pairs beyond U+FFFF. */
function escapeAll(text: string): string {
  return `"${Array.from({ length: text.length }, (_, i) => `\\u${text.charCodeAt(i).toString(16).padStart(4, "0")}`).join("")}"`;
}

describe("scanString", () => {
  it("reads every string that JSON.stringify writes", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => assert.equal(read(JSON.stringify(text)), text)),
    );
  });

  it("reads every escape", () => {
    assert.equal(read('"\\"\\\\\\/\\b\\f\\n\\r\\t\\u0000\\u00E9\\uD83D\\ude00"'), '"\\/\b\f\n\r\t\0é😀');
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => assert.equal(read(escapeAll(text)), text)),
    );
  });

  it("refuses torn, raw and impossible text and says where", () => {
    for (const [text, offset] of [
      ['"abc', 4],
      ['"a\nb"', 2],
      ['"\\x"', 1],
      ['"\\u12', 1],
      ['"\\u12g4"', 1],
      ['"ab\\ud83d"', 3],
      ['"\\ud83dx\\ude00"', 1],
      ['"\\ude00"', 1],
      ['"\\ude00\\ude00"', 1],
      ['"\\', 1],
    ] as const) {
      assert.throws(() => read(text), invalid(`at byte ${offset}`), text);
    }
  });

  it("refuses invalid UTF-8 and says where", () => {
    for (const bytes of [
      [0x80],
      [0xc3],
      [0xc0, 0x80],
      [0xed, 0xa0, 0x80],
      [0xf5, 0x80, 0x80, 0x80],
      [0xe2, 0x82],
    ]) {
      const text = Buffer.from([0x22, 0x61, ...bytes, 0x22]);
      assert.throws(() => read(text), invalid("invalid UTF-8 at byte 2"), text.toString("hex"));
    }
  });
});

describe("lastName", () => {
  it("equals lastString, for repeated and new names alike", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 40 }), (text) => {
        for (let i = 0; i < 2; i++) {
          const reader = readerOf(JSON.stringify(text));
          scanString(reader);
          assert.equal(lastName(reader), text);
        }
      }),
    );
  });
});

describe("copyLastString", () => {
  it("writes the string's UTF-8 and returns its length", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 60 }), fc.boolean(), (text, isEscaped) => {
        const reader = readerOf(isEscaped ? escapeAll(text) : JSON.stringify(text));
        scanString(reader);
        const out = Buffer.alloc(reader.stringEnd - reader.stringStart + 3);
        const length = copyLastString(reader, out, 3);
        assert.deepEqual(out.subarray(3, 3 + length), Buffer.from(text));
      }),
    );
  });
});
