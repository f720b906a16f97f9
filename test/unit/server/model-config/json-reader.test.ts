import assert from "node:assert/strict";
import fc from "fast-check";
import { describe, it } from "mocha";
import { JsonSyntaxError, readJson } from "../../../../server/model-config/json-reader.ts";

/** What the reader says of a text that is not JSON: `line:column reason`. */
function complaint(text: string): string {
  try {
    readJson(text);
  } catch (error) {
    assert.ok(error instanceof JsonSyntaxError);
    return `${error.line}:${error.column} ${error.message}`;
  }
  return "none";
}

describe("readJson", () => {
  it("reads what JSON.parse reads", () => {
    fc.assert(
      fc.property(fc.json(), fc.integer({ min: 0, max: 4 }), (text, indent) => {
        const value: unknown = JSON.parse(text);
        assert.deepEqual(readJson(JSON.stringify(value, null, indent)), value);
      }),
      { numRuns: 300 },
    );
  });

  it("refuses what JSON.parse refuses", () => {
    const characters = fc.constantFrom(...Array.from("{}[]:,\"'\\ntrue0123-.eE \n"));
    fc.assert(
      fc.property(fc.string({ unit: characters, maxLength: 8 }), (text) => {
        let isJson = true;
        try {
          JSON.parse(text);
        } catch {
          isJson = false;
        }
        assert.equal(complaint(text) === "none", isJson, JSON.stringify(text));
      }),
      { numRuns: 2_000 },
    );
  });

  it("keeps a member called __proto__ as data", () => {
    const value = readJson('{"__proto__": {"a": 1}}') as object;
    assert.deepEqual(Object.keys(value), ["__proto__"]);
    assert.equal(Object.getPrototypeOf(value), Object.prototype);
  });

  const cases: readonly (readonly [string, string, string])[] = [
    ["a missing comma", '{\n  "a": 1\n  "b": 2\n}', "3:3 expected ',' or '}' after the value, found '\"'"],
    [
      "a trailing comma in an object",
      '{"a": 1,}',
      "1:9 expected a name in double quotes, found '}': a comma must not stand before it",
    ],
    [
      "a trailing comma in a list",
      "[1,\r\n]",
      "2:1 expected a value, found ']': a comma must not stand before it",
    ],
    [
      "a comment",
      '{\n // no\n "a": 1}',
      "2:2 expected a name in double quotes, found '/': JSON has no comments",
    ],
    [
      "single quotes",
      "{'a': 1}",
      "1:2 expected a name in double quotes, found ': JSON has double quotes only",
    ],
    ["a bare name", "{a: 1}", "1:2 expected a name in double quotes, found 'a'"],
    ["an unknown word", '{"a": True}', "1:7 expected a value, found 'True'"],
    ["a missing colon", '{"a" 1}', "1:6 expected ':' after the name \"a\", found '1'"],
    ["an unclosed text", '{"a": "b\n}', "1:7 the text in quotes does not end"],
    ["an unknown escape", '["\\x"]', "1:2 the text in quotes has a control character or an unknown escape"],
    ["an end too early", '{"a": [1', "1:9 expected ',' or ']' after the value, found the end of the file"],
    ["an empty text", "", "1:1 expected a value, found the end of the file"],
    ["more than one value", "{} {}", "1:4 expected the end of the file after the first value, found '{'"],
    ["a repeated name", '{"a": 1,\n "a": 2}', '2:2 the name "a" appears twice in one object'],
    ["too deep a nesting", "[".repeat(5_000), "1:201 values are nested more than 200 deep"],
  ];
  for (const [what, text, expected] of cases) {
    it(`says where ${what} is`, () => assert.equal(complaint(text), expected));
  }
});
