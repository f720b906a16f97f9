import assert from "node:assert/strict";
import fc from "fast-check";
import { describe, it } from "mocha";
import { lastInteger, readNumber } from "../../../../../server/http/codec/json-number.ts";
import { readerOf } from "./json-tree.ts";
import { invalid } from "./status-matcher.ts";

function read(text: string): number {
  const reader = readerOf(text);
  const value = readNumber(reader);
  assert.equal(reader.position, text.length, `stopped at ${reader.position} of '${text}'`);
  return value;
}

describe("readNumber", () => {
  it("reads the numbers that Number reads", () => {
    for (const text of [
      "0",
      "-0",
      "7",
      "-12",
      "0.5",
      "1e3",
      "1E+3",
      "25e-1",
      "-0.0",
      "1e400",
      "1e-400",
      "0e999",
    ]) {
      assert.ok(Object.is(read(text), Number(text)), text);
    }
  });

  it("reads back any double exactly", () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (value) => {
        assert.ok(Object.is(read(JSON.stringify(value) === "0" ? "0" : String(value)), value + 0));
      }),
      { numRuns: 2000 },
    );
  });

  it("rounds any decimal as Number does", () => {
    const decimals = fc.tuple(
      fc.bigInt({ min: 0n, max: 10n ** 21n }),
      fc.integer({ min: 0, max: 25 }),
      fc.option(fc.integer({ min: -30, max: 30 })),
    );
    fc.assert(
      fc.property(decimals, ([digits, places, exponent]) => {
        const padded = String(digits).padStart(places + 1, "0");
        const whole = padded.slice(0, padded.length - places);
        const fraction = places > 0 ? `.${padded.slice(padded.length - places)}` : "";
        const text = `${whole}${fraction}${exponent === null ? "" : `e${exponent}`}`;
        assert.equal(read(text), Number(text), text);
      }),
      { numRuns: 5000 },
    );
  });

  it("rounds decimals half way between two doubles as Number does", () => {
    // 2^53 + 1 and its like, with and without a digit that breaks the tie.
    for (const text of [
      "9007199254740993.0",
      "9007199254740993.01",
      "9007199254740992.99",
      "900719925474099.35",
      "0.50000000000000005551115123125782702",
      "1.00000000000000011102230246251565",
      "179769313486231580793e289",
    ]) {
      assert.equal(read(text), Number(text), text);
    }
  });

  it("tells integers from other numbers", () => {
    for (const [text, expected] of [
      ["1", true],
      ["-3", true],
      ["1.0", false],
      ["1e3", false],
      ["NaN", false],
      ["-Inf", false],
    ] as const) {
      const reader = readerOf(text);
      readNumber(reader);
      assert.equal(reader.numberIsInteger, expected, text);
    }
  });

  it("reads the bare tokens for what is not finite", () => {
    assert.ok(Number.isNaN(read("NaN")));
    assert.equal(read("Inf"), Infinity);
    assert.equal(read("Infinity"), Infinity);
    assert.equal(read("-Inf"), -Infinity);
    assert.equal(read("-Infinity"), -Infinity);
  });

  it("refuses what is no number and says where", () => {
    for (const [text, offset] of [
      ["01", 0],
      ["-01", 1],
      ["1.", 2],
      ["1.e5", 2],
      ["1e", 2],
      ["1e+", 3],
      ["-", 1],
      ["-NaN", 1],
      ["Nan", 0],
      ["Infinit", 3],
      ["In", 0],
    ] as const) {
      assert.throws(() => read(text), invalid(`at byte ${offset}`), text);
    }
  });
});

describe("lastInteger", () => {
  it("gives the integer that was read without rounding", () => {
    for (const text of ["18446744073709551615", "-9223372036854775808", "9007199254740993"]) {
      const reader = readerOf(text);
      readNumber(reader);
      assert.equal(lastInteger(reader), BigInt(text));
    }
  });
});
