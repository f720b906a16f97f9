import assert from "node:assert/strict";
import fc from "fast-check";
import { describe, it } from "mocha";
import { writeEightDigits, writeInteger } from "../../../../../server/http/codec/integer-text.ts";

function format(value: number): string {
  const bytes = Buffer.alloc(20);
  return bytes.toString("latin1", 0, writeInteger(bytes, 0, value));
}

describe("writeInteger", () => {
  it("writes every safe integer as String does", () => {
    fc.assert(fc.property(fc.maxSafeInteger(), (value) => assert.equal(format(value), String(value))));
    for (let power = 1; power < 2 ** 53; power *= 10) {
      for (const value of [power - 1, power, -power, power + 1]) assert.equal(format(value), String(value));
    }
  });
});

describe("writeEightDigits", () => {
  it("pads with zeros", () => {
    const bytes = Buffer.alloc(8);
    for (const value of [0, 7, 12_340, 99_999_999]) {
      writeEightDigits(bytes, 0, value);
      assert.equal(bytes.toString("latin1"), String(value).padStart(8, "0"));
    }
  });
});
