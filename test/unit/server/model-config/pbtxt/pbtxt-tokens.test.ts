import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { PbtxtSyntaxError } from "../../../../../server/model-config/pbtxt/pbtxt-syntax-error.ts";
import { readTokens } from "../../../../../server/model-config/pbtxt/pbtxt-tokens.ts";

function summary(text: string): string[] {
  return readTokens(text).map(({ kind, text: content, place }) => {
    return `${kind} ${content} ${place.line}:${place.column}`;
  });
}

describe("readTokens", () => {
  it("cuts a text and knows where each piece stands", () => {
    assert.deepEqual(summary("a_1: -0x1F # comment\n\t<\"x y\" 'z'>\r\n"), [
      "word a_1 1:1",
      "symbol : 1:4",
      "symbol - 1:6",
      "number 0x1F 1:7",
      "symbol < 2:2",
      "string x y 2:3",
      "string z 2:9",
      "symbol > 2:12",
      "end  3:1",
    ]);
  });

  it("keeps numbers whole, and what is glued to them", () => {
    const numbers = (text: string): string[] =>
      readTokens(text)
        .filter(({ kind }) => kind === "number")
        .map((token) => token.text);
    assert.deepEqual(numbers("1 .5 1. 1e5 1.5e-3f 0E+1 12px 1.2.3"), [
      "1",
      ".5",
      "1.",
      "1e5",
      "1.5e-3f",
      "0E+1",
      "12px",
      "1.2.3",
    ]);
  });

  it("ends a comment with its line, and reads no quotes in it", () => {
    assert.deepEqual(summary('# "x\na'), ["word a 2:1", "end  2:2"]);
  });

  for (const [what, text, message] of [
    ["a quote that is not closed in its line", 'a: "b\n"', /does not end in its line/],
    ["a character that is none of the format's", "a = 1", /unexpected character "="/],
    ["comments of other languages", "// x", /comments begin with #/],
    ["block comments", "/* x */", /comments begin with #/],
  ] as const) {
    it(`refuses ${what}`, () => {
      assert.throws(
        () => readTokens(text),
        (error) => error instanceof PbtxtSyntaxError && message.test(error.message),
      );
    });
  }
});
