import assert from "node:assert/strict";
import fc from "fast-check";
import { describe, it } from "mocha";
import { readDecimal } from "../../../../../server/http/codec/decimal-number.ts";
import { readerOf } from "./json-tree.ts";

function read(text: string): number {
  const reader = readerOf(text);
  const value = readDecimal(reader, 0);
  assert.equal(reader.position, text.length);
  assert.equal(reader.numberIsInteger, false);
  return value;
}

describe("readDecimal", () => {
  it("never needs help with the text of a float or double from 10^-5 to 10^15", () => {
    const values = fc.tuple(fc.double({ min: 0.1, max: 1, noNaN: true }), fc.integer({ min: -4, max: 15 }));
    fc.assert(
      fc.property(values, ([fraction, exponent]) => {
        for (const value of [fraction * 10 ** exponent, Math.fround(fraction * 10 ** exponent)]) {
          if (!Number.isInteger(value)) assert.equal(read(String(value)), value);
        }
      }),
      { numRuns: 2000 },
    );
  });

  it("leaves ties, long numbers and large exponents to its caller", () => {
    for (const text of ["9007199254740993.0", "0.1234567890123456789", "1e23", "1.5e-300"]) {
      assert.equal(read(text), -1, text);
    }
  });

  it("stops at a second point", () => {
    const reader = readerOf("1.5.2");
    assert.equal(readDecimal(reader, 0), 1.5);
    assert.equal(reader.position, 3);
  });
});
