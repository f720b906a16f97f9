import { maxExactPower, powersOfTen, productError } from "./exact-arithmetic.ts";
import type { JsonCursor } from "./json-cursor.ts";

/** Decimal digits that fit an int32, which the digit loops are fastest with. */
const limbDigits = 9;
/** Integers of up to this many digits are doubles exactly. */
const exactDigits = 15;

/**
 * Reads a number with a fraction or an exponent, but for its sign.
 *
 * - Up to 15 digits and a power of ten up to 10^22 are both doubles exactly: one division or multiplication
 *   rounds once, correctly.
 * - 16 to 18 digits, which is what a client prints for a double or for a float widened to one, go through
 *   {@link scaleExactly}.
 *
 * @param digitsStart - The first digit; the integer part is known to be well-formed. Reads on from there, not from
 * the cursor's position, and moves the cursor behind the number.
 * @returns The double nearest to the text, or -1 when neither way applies.
 */
export function readDecimal(cursor: JsonCursor, digitsStart: number): number {
  const { bytes, end } = cursor;
  let i = digitsStart;
  // The first nine significant digits, those behind them, and how many there are in all.
  let high = 0;
  let low = 0;
  let digitCount = 0;
  let fractionStart = -1;
  while (i < end) {
    // Four digits at once, where they do not straddle the limbs: XOR with "0000" leaves their values, if they are
    // digits, and the multiplications join them to pairs and the pairs to one number.
    if (i + 4 <= end && digitCount > 0 && digitCount <= 14 && (digitCount <= 5 || digitCount >= 9)) {
      const four =
        (bytes[i]! | (bytes[i + 1]! << 8) | (bytes[i + 2]! << 16) | (bytes[i + 3]! << 24)) ^ 0x30303030;
      if ((((four + 0x76767676) | four) & 0x80808080) === 0) {
        const pairs = Math.imul(four, 10) + (four >>> 8);
        const value = Math.imul(pairs & 0xff, 100) + ((pairs >>> 16) & 0xff);
        if (digitCount < limbDigits) high = (Math.imul(high, 10_000) + value) | 0;
        else low = (Math.imul(low, 10_000) + value) | 0;
        digitCount += 4;
        i += 4;
        continue;
      }
    }
    const digit = bytes[i]! - 0x30;
    if (digit >= 0 && digit <= 9) {
      if (digitCount < limbDigits) high = (Math.imul(high, 10) + digit) | 0;
      else low = (Math.imul(low, 10) + digit) | 0;
      // Leading zeros are not significant.
      if (high !== 0) digitCount++;
      i++;
    } else if (bytes[i] === 0x2e && fractionStart < 0) {
      fractionStart = ++i;
    } else {
      break;
    }
  }
  if (i === fractionStart) throw cursor.syntaxError("a number has no digit behind its point", i);
  let exponent = fractionStart < 0 ? 0 : fractionStart - i;
  cursor.position = i;
  cursor.numberIsInteger = false;
  if (i < end && (bytes[i]! | 0x20) === 0x65) exponent += readExponent(cursor);
  return composeNumber(high, low, digitCount, exponent);
}

/** The digits times 10^exponent, correctly rounded; or -1 when that needs more than this file's arithmetic. */
function composeNumber(high: number, low: number, digitCount: number, exponent: number): number {
  if (digitCount > 2 * limbDigits || exponent < -maxExactPower || exponent > maxExactPower) return -1;
  if (digitCount <= limbDigits) {
    return exponent < 0 ? high / powersOfTen[-exponent]! : high * powersOfTen[exponent]!;
  }
  const lowDigits = digitCount - limbDigits;
  const shifted = high * powersOfTen[lowDigits]!;
  const digits = shifted + low;
  if (digitCount <= exactDigits) {
    return exponent < 0 ? digits / powersOfTen[-exponent]! : digits * powersOfTen[exponent]!;
  }
  // `shifted` is the larger term, and all of these are integers below 2^60: every step is exact.
  const rest = shifted - digits + low + productError(high, lowDigits, shifted);
  return scaleExactly(digits, rest, exponent);
}

/**
 * The double nearest to `(digits + rest) × 10^exponent`, where `rest` is at most one unit in the last place of
 * `digits` and |exponent| ≤ 22; or -1 when the error bound does not decide between two neighbours.
 */
function scaleExactly(digits: number, rest: number, exponent: number): number {
  let scaled: number;
  let correction: number;
  let bound: number;
  if (exponent >= 0) {
    const power = powersOfTen[exponent]!;
    scaled = digits * power;
    const error = productError(digits, exponent, scaled);
    correction = error + rest * power;
    bound = Math.abs(error) + Math.abs(rest * power);
  } else {
    const power = powersOfTen[-exponent]!;
    scaled = digits / power;
    const product = scaled * power;
    // The remainder of a correctly rounded division is itself a double, so this difference is exact.
    const remainder = digits - product - productError(scaled, -exponent, product);
    correction = (remainder + rest) / power;
    bound = (Math.abs(remainder) + Math.abs(rest)) / power;
  }
  // The correction went through at most three roundings, each within 2^-53 of the bound. If the sum rounds to one
  // double at both ends of a wider interval, the true value rounds to it too.
  const margin = bound * 2 ** -50;
  const lower = scaled + (correction - margin);
  const upper = scaled + (correction + margin);
  return lower === upper ? lower : -1;
}

/** Reads `e`, an optional sign and digits; returns the exponent, cut off where every double is 0 or infinite. */
function readExponent(cursor: JsonCursor): number {
  const { bytes, end } = cursor;
  let i = cursor.position + 1;
  const sign = i < end ? bytes[i]! : 0;
  if (sign === 0x2b || sign === 0x2d) i++;
  const digitsStart = i;
  let exponent = 0;
  for (; i < end; i++) {
    const digit = bytes[i]! - 0x30;
    if (digit < 0 || digit > 9) break;
    if (exponent < 100_000) exponent = exponent * 10 + digit;
  }
  if (i === digitsStart) throw cursor.syntaxError("a number has no digit in its exponent", i);
  cursor.position = i;
  return sign === 0x2d ? -exponent : exponent;
}
