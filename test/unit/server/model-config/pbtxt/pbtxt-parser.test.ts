import assert from "node:assert/strict";
import fc from "fast-check";
import { describe, it } from "mocha";
import {
  parsePbtxt,
  type PbtxtField,
  type PbtxtValue,
} from "../../../../../server/model-config/pbtxt/pbtxt-parser.ts";
import { PbtxtSyntaxError } from "../../../../../server/model-config/pbtxt/pbtxt-syntax-error.ts";

/** The fields in one line: without places, lists in brackets. */
function summary(fields: readonly PbtxtField[]): string {
  return fields
    .map(({ name, values, isList }) => {
      const texts = values.map(valueSummary).join(",");
      return `${name}=${isList ? `[${texts}]` : texts}`;
    })
    .join(" ");
}

function valueSummary(value: PbtxtValue): string {
  if (value.kind === "message") return `{${summary(value.fields)}}`;
  return value.kind === "string" ? JSON.stringify(value.text) : value.text;
}

function complaint(text: string): string {
  try {
    parsePbtxt(text);
  } catch (error) {
    assert.ok(error instanceof PbtxtSyntaxError, String(error));
    return `${error.place.line}:${error.place.column} ${error.message}`;
  }
  return "none";
}

const good: readonly (readonly [string, string, string])[] = [
  ["nothing", " # only a comment", ""],
  ["scalars", 'a: 1 b: -2.5 c: "x" d: WORD e: - 3', 'a=1 b=-2.5 c="x" d=WORD e=-3'],
  [
    "both forms of messages, with and without colon",
    "a { } b: { c: 1 } d < > e: < f {} >",
    "a={} b={c=1} d={} e={f={}}",
  ],
  ["lists", 'a: [1, 2] b: [] c [{}, <d: 1>] e: [ "x" "y", \'z\' ]', 'a=[1,2] b=[] c=[{},{d=1}] e=["xy","z"]'],
  ["one comma or semicolon after a field", "a: 1, b: 2; c { d: 1, }, e: 3", "a=1 b=2 c={d=1} e=3"],
  ["fields without white space", 'a:"x"b{c:-Y;d:<>}e:1', 'a="x" b={c=-Y d={}} e=1'],
  ["a number and what is glued to it, which its field refuses", "a: 1b c: 2", "a=1b c=2"],
  ["field numbers", "4: 8 5 { 1: 2 }", "4=8 5={1=2}"],
  ["texts in parts on several lines", 'a: "x"\n  "y" # why\n  \'z\'', 'a="xyz"'],
];

const bad: readonly (readonly [string, string, string])[] = [
  [
    "a scalar without colon",
    'name "x"',
    "1:6 expected ':' after 'name': only a message in braces may stand without it",
  ],
  [
    "a list of scalars without colon",
    "dims [1]",
    "1:7 expected ':' after 'dims': only a message in braces may stand without it",
  ],
  ["a missing value", "a: }", "1:4 expected a value, found '}'"],
  ["a missing name", "a: 1 : 2", "1:6 expected the name of a field, found ':'"],
  ["two separators", "a: 1,, b: 2", "1:6 expected the name of a field, found ','"],
  ["an open brace", "a {\n b: 1", "2:6 expected '}' for the '{' in line 1, found the end of the file"],
  ["the wrong brace", "a { b: 1 >", "1:10 expected the name of a field or '}', found '>'"],
  ["a brace too many", "a { } }", "1:7 expected the name of a field, found '}'"],
  ["a comma at the end of a list", "a: [1,]", "1:7 expected another value after ',' in the list, found ']'"],
  ["a list without commas", "a: [1 2]", "1:7 expected ',' or ']' after the value in the list, found '2'"],
  ["a list in a list", "a: [[1]]", "1:5 expected a value, found '['"],
  ["a text as a name", '"a": 1', "1:1 expected the name of a field, found a text in quotes"],
  ["a minus sign before a text", 'a: -"x"', "1:5 expected a value, found a text in quotes"],
  [
    "an unknown escape, where it stands",
    'a: "x" "y\\q"',
    "1:10 unknown escape \\q: a backslash is written \\\\, a byte \\ooo or \\xhh, a character \\uhhhh or \\Uhhhhhhhh",
  ],
  ["a text that is not UTF-8", 'a: "\\377"', "1:4 the text in quotes is not UTF-8"],
  [
    "an Any",
    "[type.googleapis.com/m] { }",
    "1:1 a model's configuration has no extensions and no Any: expected the name of a field, found '['",
  ],
  [
    "an extension in a message",
    "a { [b.c]: 1 }",
    "1:5 a model's configuration has no extensions and no Any: expected the name of a field, found '['",
  ],
];

describe("parsePbtxt", () => {
  for (const [what, text, expected] of good) {
    it(`reads ${what}`, () => assert.equal(summary(parsePbtxt(text)), expected));
  }

  for (const [what, text, expected] of bad) {
    it(`refuses ${what}`, () => assert.equal(complaint(text), expected));
  }

  it("refuses messages that are nested too deep, instead of overflowing the stack", () => {
    assert.match(complaint("a{".repeat(100_000)), /nested more than 200 deep/);
  });

  it("fails in no other way, whatever the text is", () => {
    const pieces = fc.constantFrom(
      ...Array.from("{}<>[]:;,-\"'\\#\n a1.xe"),
      "name",
      '"x"',
      "input {",
      "\\x",
      "0x",
    );
    fc.assert(
      fc.property(fc.array(pieces, { maxLength: 40 }), (parts) => {
        complaint(parts.join(""));
      }),
      { numRuns: 2_000 },
    );
  });
});
