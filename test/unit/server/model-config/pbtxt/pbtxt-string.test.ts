import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { PbtxtString } from "../../../../../server/model-config/pbtxt/pbtxt-string.ts";

/** The text of quoted parts, or what is wrong with them. */
function read(...parts: readonly string[]): string | null {
  const value = new PbtxtString();
  for (const part of parts) {
    const problem = value.add(part);
    if (problem !== null) return `${problem.offset}: ${problem.reason}`;
  }
  return value.text();
}

const good: readonly (readonly [string, readonly string[], string])[] = [
  ["plain text", ["abc"], "abc"],
  ["parts that follow each other", ["ab", "", "cd"], "abcd"],
  ["text beyond ASCII", ["é中😀"], "é中😀"],
  ["each simple escape", [String.raw`\a\b\t\n\v\f\r\"\'\?\\`], "\u0007\b\t\n\v\f\r\"'?\\"],
  ["octal escapes of one to three digits", [String.raw`\1\12\1014`], "\u0001\nA4"],
  ["hexadecimal escapes of one or two digits", [String.raw`\x41\X4a\x9z`], "AJ\tz"],
  ["characters written byte by byte", [String.raw`\xc3\251 \xe4\xb8\xad`], "é 中"],
  ["a character whose bytes are in two parts", [String.raw`\xc3`, String.raw`\xa9`], "é"],
  ["Unicode escapes", [String.raw`\u00e9\U0001F600`], "é😀"],
  ["a pair of surrogates", [String.raw`\uD83D\uDE00`], "😀"],
];

const bad: readonly (readonly [string, string, string | RegExp | null])[] = [
  ["an unknown escape", String.raw`ab\q`, /^2: unknown escape \\q: /],
  ["a backslash at the end", "a\\", /^1: unknown escape/],
  ["a hexadecimal escape without digits", String.raw`\xg`, /^0: unknown escape \\x: /],
  ["a Unicode escape that is too short", String.raw`\u12`, /^0: unknown escape \\u: /],
  [
    "an octal escape above a byte",
    String.raw`\400`,
    String.raw`0: the escape \400 is no byte, the largest is \377`,
  ],
  ["a character above the last", String.raw`\U00110000`, /is no Unicode character/],
  ["a lone second half", String.raw`\uDE00`, /D800 to DBFF/],
  ["a first half before other text", String.raw`\uD83Dx`, /D800 to DBFF/],
  ["a first half before another escape", String.raw`\uD83D\n`, /D800 to DBFF/],
  ["a first half at the end", String.raw`\uD83D`, null],
  ["bytes that are not UTF-8", String.raw`\377`, null],
];

describe("PbtxtString", () => {
  for (const [what, parts, expected] of good) {
    it(`reads ${what}`, () => assert.equal(read(...parts), expected));
  }

  for (const [what, part, expected] of bad) {
    it(`refuses ${what}`, () => {
      const found = read(part);
      if (expected instanceof RegExp) assert.match(found ?? "", expected);
      else assert.equal(found, expected);
    });
  }
});
