import assert from "node:assert/strict";
import fc from "fast-check";
import { describe, it } from "mocha";
import { JsonWriter } from "../../../../../server/http/codec/json-writer.ts";

function textOf(write: (writer: JsonWriter) => void): string {
  const writer = new JsonWriter(1 << 20);
  write(writer);
  return Buffer.from(writer.written()).toString();
}

describe("JsonWriter", () => {
  it("writes strings that JSON.parse reads back", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        assert.equal(JSON.parse(textOf((writer) => writer.string(text))), text);
        assert.equal(JSON.parse(textOf((writer) => writer.utf8String(Buffer.from(text)))), text);
      }),
    );
  });

  it("escapes what JSON does not allow in strings", () => {
    assert.equal(
      textOf((writer) => writer.string('"\\\n\u0000\u001f/é')),
      '"\\"\\\\\\n\\u0000\\u001f/é"',
    );
  });

  it("writes tokens one behind the other", () => {
    const text = textOf((writer) => {
      writer.ascii("[");
      writer.integer(-5);
      writer.ascii(",");
      writer.double(0.5);
      writer.raw(Buffer.from("]"));
    });
    assert.equal(text, "[-5,0.5]");
  });

  it("grows without losing what is written", () => {
    const writer = new JsonWriter(1 << 20);
    const pieces = Array.from({ length: 2000 }, (_, i) => `${i}:${"x".repeat(i % 97)};`);
    for (const piece of pieces) writer.ascii(piece);
    assert.equal(Buffer.from(writer.written()).toString(), pieces.join(""));
  });

  it("uses its memory again, unless it has more than it may keep", () => {
    const writer = new JsonWriter(100_000);
    writer.raw(new Uint8Array(90_000));
    writer.restart();
    assert.equal(writer.length, 0);
    const kept = writer.reserve(1);
    writer.restart();
    assert.equal(writer.reserve(1), kept);
    writer.raw(new Uint8Array(500_000));
    writer.restart();
    assert.ok(writer.reserve(1).byteLength <= 100_000);
  });
});
