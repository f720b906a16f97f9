import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { parseDecimal } from "../../../../server/core/decimal.ts";

describe("parseDecimal", () => {
  for (const [text, value] of [
    ["0", 0],
    ["151", 151],
    ["007", 7],
    ["999999999999999", 999999999999999],
  ] as const) {
    it(`reads ${text}`, () => assert.equal(parseDecimal(text), value));
  }

  for (const text of ["", "-1", "+1", "1.0", "1e3", " 1", "1 ", "x", "1x", "1000000000000000", "٣"]) {
    it(`refuses ${JSON.stringify(text)}`, () => assert.equal(parseDecimal(text), -1));
  }
});
