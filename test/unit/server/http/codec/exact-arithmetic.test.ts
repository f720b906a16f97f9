import assert from "node:assert/strict";
import fc from "fast-check";
import { describe, it } from "mocha";
import {
  maxExactPower,
  powersOfTen,
  productError,
} from "../../../../../server/http/codec/exact-arithmetic.ts";

describe("powersOfTen", () => {
  it("holds exact powers", () => {
    for (let power = 0; power <= maxExactPower; power++) {
      assert.equal(BigInt(powersOfTen[power] ?? 0), 10n ** BigInt(power));
    }
  });
});

describe("productError", () => {
  it("is what rounding took from the product", () => {
    fc.assert(
      fc.property(fc.maxSafeNat(), fc.nat(maxExactPower), (factor, power) => {
        const product = factor * (powersOfTen[power] ?? 0);
        const exact = BigInt(factor) * 10n ** BigInt(power);
        assert.equal(BigInt(productError(factor, power, product)), exact - BigInt(product));
      }),
    );
  });
});
