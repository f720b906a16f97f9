import assert from "node:assert/strict";
import fc from "fast-check";
import { describe, it } from "mocha";
import { maxDoubleBytes, writeDouble } from "../../../../../server/http/codec/double-text.ts";

function format(value: number): string {
  const bytes = Buffer.alloc(maxDoubleBytes + 1, 0x23);
  const end = writeDouble(bytes, 1, value);
  assert.equal(bytes[0], 0x23);
  return bytes.toString("latin1", 1, end);
}

/** JavaScript's text, which has the fewest digits, and `.0` as Triton writes integers. */
function expected(value: number): string {
  const text = Object.is(value, -0) ? "-0" : String(value);
  return Number.isInteger(value) && Math.abs(value) < 1e15 ? `${text}.0` : text;
}

describe("writeDouble", () => {
  it("writes a float widened to a double with all of its digits", () => {
    assert.equal(format(Math.fround(0.1)), "0.10000000149011612");
    assert.equal(format(Math.fround(-3.3)), "-3.299999952316284");
  });

  it("writes integers with a fraction and keeps the sign of zero", () => {
    assert.equal(format(1), "1.0");
    assert.equal(format(-0), "-0.0");
    assert.equal(format(123456789012345), "123456789012345.0");
  });

  it("writes the tokens for what is not finite", () => {
    assert.equal(format(Number.NaN), "NaN");
    assert.equal(format(Infinity), "Infinity");
    assert.equal(format(-Infinity), "-Infinity");
  });

  it("writes what String writes, for doubles of any bits", () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true }), (value) => assert.equal(format(value), expected(value))),
      { numRuns: 3000 },
    );
  });

  it("writes what String writes, for the numbers that models give", () => {
    const magnitudes = fc.tuple(
      fc.double({ min: -1, max: 1, noNaN: true }),
      fc.integer({ min: -32, max: 18 }),
    );
    fc.assert(
      fc.property(magnitudes, fc.integer({ min: 1, max: 17 }), ([fraction, exponent], digits) => {
        const value = fraction * 10 ** exponent;
        for (const each of [value, Math.fround(value), Number(value.toPrecision(digits))]) {
          assert.equal(format(each), expected(each));
        }
      }),
      { numRuns: 3000 },
    );
  });

  it("writes what String writes around powers of two and ten", () => {
    for (let exponent = -100; exponent <= 60; exponent++) {
      for (const base of [2 ** exponent, Number(`1e${Math.trunc(exponent / 3)}`)]) {
        for (const value of [base, base * (1 + 2 ** -52), base * (1 - 2 ** -53)]) {
          assert.equal(format(value), expected(value));
        }
      }
    }
  });
});
