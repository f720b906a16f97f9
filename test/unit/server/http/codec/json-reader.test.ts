import assert from "node:assert/strict";
import fc from "fast-check";
import { describe, it } from "mocha";
import { StatusError } from "../../../../../server/core/status.ts";
import { JsonReader } from "../../../../../server/http/codec/json-reader.ts";
import { readerOf, readTree } from "./json-tree.ts";
import { invalid } from "./status-matcher.ts";

/** Valid JSON of all kinds, with white space in some. */
const documents = fc
  .tuple(fc.jsonValue({ stringUnit: "binary" }), fc.constantFrom(0, 1, 3))
  .map(([value, indent]) => JSON.stringify(value, null, indent));

function skip(text: string): void {
  const reader = readerOf(text);
  reader.skipValue("x");
  reader.expectEnd();
}

function accepts(parse: (text: string) => unknown, text: string): boolean {
  try {
    parse(text);
    return true;
  } catch (thrown) {
    assert.ok(thrown instanceof StatusError || thrown instanceof SyntaxError, String(thrown));
    return false;
  }
}

/** Text with one byte changed, dropped or doubled. */
const mutants = fc
  .tuple(
    documents,
    fc.nat(),
    fc.constantFrom("", ",", "]", "}", '"', "0", "-", ".", "e", "\\", " ", "tru", "[", "{"),
  )
  .map(([text, at, insert]) => {
    const position = at % (text.length + 1);
    return text.slice(0, position) + insert + text.slice(position + (at % 2));
  });

describe("JsonReader", () => {
  it("gives the values that JSON.parse gives", () => {
    fc.assert(
      fc.property(documents, (text) => {
        assert.deepEqual(readTree(text), JSON.parse(text));
        skip(text);
      }),
      { numRuns: 500 },
    );
  });

  it("accepts and refuses what JSON.parse does", () => {
    fc.assert(
      fc.property(mutants, (text) => {
        const expected = accepts(JSON.parse, text);
        assert.equal(accepts(readTree, text), expected, text);
        assert.equal(accepts(skip, text), expected, text);
      }),
      { numRuns: 3000 },
    );
  });

  it("throws nothing but StatusError for any bytes", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
        try {
          readTree(bytes);
        } catch (thrown) {
          assert.ok(thrown instanceof StatusError, String(thrown));
        }
      }),
    );
  });

  it("reads only from start to end of the bytes", () => {
    const bytes = Buffer.from('x"ab",');
    const reader = new JsonReader(bytes, 1, 5);
    assert.equal(reader.readString("x"), "ab");
    reader.expectEnd();
    assert.throws(() => new JsonReader(bytes, 1, 4).readString("x"), invalid("no closing quote at byte 3"));
  });

  it("names the member and both types when a value has the wrong one", () => {
    const cases: [string, (reader: JsonReader) => unknown, string][] = [
      ["1", (r) => r.readString("id"), "Unable to parse 'id': attempt to access JSON non-string as string"],
      ["[]", (r) => r.readName("name"), "'name': attempt to access JSON non-string as string"],
      ['"true"', (r) => r.readBoolean("flag"), "non-boolean as boolean"],
      ["{}", (r) => r.enterArray("inputs"), "'inputs': attempt to access JSON non-array as array"],
      ["[]", (r) => r.enterObject("inputs"), "non-object as object"],
      ['"1"', (r) => r.readUnsigned("n"), "non-unsigned integer as unsigned integer"],
      ["-1", (r) => r.readUnsigned("n"), "non-unsigned integer"],
      ["1.0", (r) => r.readUnsigned("n"), "non-unsigned integer"],
      ["1e3", (r) => r.readUnsigned("n"), "non-unsigned integer"],
      ["18446744073709551616", (r) => r.readUnsigned("n"), "non-unsigned integer"],
    ];
    for (const [text, read, fragment] of cases)
      assert.throws(() => read(readerOf(text)), invalid(fragment), text);
  });

  it("reads unsigned integers without losing digits", () => {
    assert.equal(readerOf("9007199254740991").readUnsigned("n"), 9007199254740991);
    assert.equal(readerOf("9007199254740993").readUnsigned("n"), 9007199254740993n);
    assert.equal(readerOf("18446744073709551615").readUnsigned("n"), 18446744073709551615n);
  });

  it("reads a parameter's value by its kind", () => {
    const values: [string, unknown][] = [
      ['"a"', "a"],
      ["true", true],
      ["-5", -5],
      ["0.5", 0.5],
      ["NaN", Number.NaN],
      ["-9223372036854775808", -9223372036854775808n],
      ["9223372036854775808", null],
      ["null", null],
      ["[[1],{}]", null],
      ['{"a":{}}', null],
    ];
    for (const [text, expected] of values) {
      const reader = readerOf(text);
      assert.deepEqual(reader.readParameterValue(), expected, text);
      reader.expectEnd();
    }
  });

  it("skips 99 nested arrays or objects and refuses 100, of which the text may have any number", () => {
    skip("[".repeat(99) + "]".repeat(99));
    skip('{"a":'.repeat(98) + "{}" + "}".repeat(98));
    assert.throws(() => skip("[".repeat(100) + "]".repeat(100)), invalid("JSON nesting depth exceeds"));
    assert.throws(() => skip('{"a":'.repeat(100)), invalid("JSON nesting depth exceeds"));
    assert.throws(() => skip("[".repeat(1_000_000)), invalid("JSON nesting depth exceeds"));
  });

  it("refuses text behind the document", () => {
    assert.throws(() => readTree("{} {}"), invalid("failed to parse the request JSON buffer"));
  });
});
