import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { asBuffer, JsonCursor, jsonKind, kindOf } from "../../../../../server/http/codec/json-cursor.ts";
import { invalid } from "./status-matcher.ts";

describe("JsonCursor", () => {
  it("skips the four kinds of white space and no others", () => {
    const cursor = new JsonCursor(Buffer.from(" \t\r\n{"), 0, 5);
    assert.equal(cursor.kind(), jsonKind.object);
    assert.equal(cursor.position, 4);
    for (const other of ["\u000b", "\f", "\u00a0", "\ufeff"]) {
      const bytes = Buffer.from(`${other}1`);
      assert.throws(
        () => new JsonCursor(bytes, 0, bytes.byteLength).kind(),
        invalid("no value starts here at byte 0"),
      );
    }
  });

  it("returns -1 at the end of the text, even when bytes follow", () => {
    const cursor = new JsonCursor(Buffer.from("  1"), 0, 2);
    assert.equal(cursor.skipWhitespace(), -1);
    assert.throws(() => cursor.kind(), invalid("the text ends where a value should be at byte 2"));
  });

  it("counts offsets in messages from the start of the text", () => {
    const cursor = new JsonCursor(Buffer.from("xx tru"), 2, 6);
    cursor.skipWhitespace();
    assert.throws(() => cursor.readWord("true"), invalid("expected 'true' at byte 1"));
  });
});

describe("kindOf", () => {
  it("knows what each byte may start", () => {
    const kinds = Array.from('{["-5NItfnx]', (character) => kindOf(character.charCodeAt(0)));
    assert.deepEqual(kinds, [1, 2, 3, 4, 4, 4, 4, 5, 5, 6, 0, 0]);
  });
});

describe("asBuffer", () => {
  it("gives the same memory", () => {
    const bytes = Uint8Array.of(1, 2, 3, 4).subarray(1, 3);
    const buffer = asBuffer(bytes);
    bytes[0] = 9;
    assert.deepEqual([...buffer], [9, 3]);
    assert.equal(asBuffer(buffer), buffer);
  });
});
