import { maxExactPower, powersOfTen, productError } from "./exact-arithmetic.ts";
import { writeEightDigits, writeInteger } from "./integer-text.ts";

const zero = 0x30;
const point = 0x2e;

/** Below this, integers are written digit by digit, and numbers with a fraction have at least two places for it. */
const largest = 1e15;
/** Above this, scaling to 17 digits takes no more than two exact powers of ten. */
const smallest = 1e-27;
/** Numbers from 10^-6 are written without an exponent, as JavaScript does. */
const smallestPlainExponent = -6;

/** Bytes that {@link writeDouble} may need. */
export const maxDoubleBytes = 32;

const bits = new DataView(new ArrayBuffer(8));

/**
 * Writes a double as JSON: the shortest decimal that reads back as the same double, with `.0` behind an integer,
 * and the tokens NaN, Infinity and -Infinity.
 *
 * Seventeen digits always suffice. The number is scaled to an integer of 17 digits, exactly; if that integer
 * rounded to 15, or else to 16 digits is still nearer to the number than half the gap to the next double, the
 * shorter one is written. What the arithmetic cannot decide goes to `String`.
 *
 * @param bytes - Must have room for {@link maxDoubleBytes}.
 * @returns The position behind the text.
 */
export function writeDouble(bytes: Buffer, at: number, value: number): number {
  let magnitude = value;
  if (value < 0 || Object.is(value, -0)) {
    bytes[at++] = 0x2d;
    magnitude = -value;
  }
  if (magnitude < largest) {
    if (magnitude === Math.floor(magnitude)) {
      at = writeInteger(bytes, at, magnitude);
      bytes[at] = point;
      bytes[at + 1] = zero;
      return at + 2;
    }
    if (magnitude > smallest) {
      const end = writeScaled(bytes, at, magnitude);
      if (end > 0) return end;
    }
  }
  // NaN comes here too: no comparison is true for it.
  return at + bytes.write(String(magnitude), at, "latin1");
}

/** Writes a number with a fraction, between the two limits. Returns -1, with nothing written, when undecided. */
function writeScaled(bytes: Uint8Array, at: number, value: number): number {
  bits.setFloat64(0, value);
  const upperWord = bits.getUint32(0);
  const binaryExponent = (upperWord >>> 20) - 1023;
  const isPowerOfTwo = (upperWord & 0xfffff) === 0 && bits.getUint32(4) === 0;
  bits.setUint32(0, (binaryExponent - 53 + 1023) << 20);
  bits.setUint32(4, 0);
  const halfGap = bits.getFloat64(0);

  // floor(log10) of the power of two below the value: right, or one too small.
  let decimalExponent = Math.floor(binaryExponent * Math.LOG10E * Math.LN2);
  if (scaleTo17(value, 16 - decimalExponent) >= 1e17) decimalExponent++;
  const power = 16 - decimalExponent;
  const scaled = scaleTo17(value, power);
  const error = scaleError(value, power, scaled);
  let upper = Math.floor(scaled / 1e8);
  // upper × 1e8 is exact, because 1e8 is 5^8 × 2^8 and upper × 5^8 is below 2^53; so is the difference.
  let lower = scaled - upper * 1e8 + error;
  if (lower < 0) {
    upper--;
    lower += 1e8;
  }
  const rounded = shortestRounding(lower, scaleTo17(halfGap, power), isPowerOfTwo);
  if (rounded < 0) return -1;
  const carries = rounded >= 1e8;
  upper += carries ? 1 : 0;
  if (upper < 1e8 || upper >= 1e9) return -1;
  return writeDigits(bytes, at, { upper, lower: carries ? rounded - 1e8 : rounded, decimalExponent });
}

/** `value × 10^power`, rounded. */
function scaleTo17(value: number, power: number): number {
  if (power <= maxExactPower) return value * powersOfTen[power]!;
  return value * powersOfTen[maxExactPower]! * powersOfTen[power - maxExactPower]!;
}

/** `value × 10^power − scaled`: exact up to 10^22, and within 2^-100 of the product above. */
function scaleError(value: number, power: number, scaled: number): number {
  if (power <= maxExactPower) return productError(value, power, scaled);
  const first = value * powersOfTen[maxExactPower]!;
  const firstError = productError(value, maxExactPower, first);
  const second = power - maxExactPower;
  return productError(first, second, scaled) + firstError * powersOfTen[second]!;
}

/** Far more than the rounding errors of the numbers compared, far less than the distances that matter. */
const doubt = 1e-6;

/**
 * Rounds the last eight of 17 digits, and what follows them, to a multiple of 100, 10 or 1: the first that is
 * within `halfGap`. Returns -1 when it is too close to call.
 */
function shortestRounding(lower: number, halfGap: number, isPowerOfTwo: boolean): number {
  // Below a power of two the doubles are twice as dense.
  const certain = (isPowerOfTwo ? halfGap / 2 : halfGap) - doubt;
  const possible = halfGap + doubt;
  for (let step = 100; step > 1; step /= 10) {
    const rounded = roundHalfEven(lower / step) * step;
    const distance = Math.abs(rounded - lower);
    if (distance < certain) return rounded;
    if (distance < possible) return -1;
  }
  return roundHalfEven(lower);
}

/** Of two texts equally near, JavaScript takes the even one, and a float widened to a double often has two. */
function roundHalfEven(value: number): number {
  const rounded = Math.round(value);
  return rounded - value === 0.5 && rounded % 2 === 1 ? rounded - 1 : rounded;
}

interface Digits {
  /** The first nine of 17 digits. */
  readonly upper: number;
  /** The other eight. */
  readonly lower: number;
  /** Of the first digit. */
  readonly decimalExponent: number;
}

/** Writes 17 digits without the zeros at their end, with the point where the exponent says. */
function writeDigits(bytes: Uint8Array, at: number, digits: Digits): number {
  const { upper, lower, decimalExponent } = digits;
  const isPlain = decimalExponent >= smallestPlainExponent;
  let start = at + 1;
  if (isPlain && decimalExponent < 0) {
    bytes[at] = zero;
    bytes[at + 1] = point;
    start = at + 1 - decimalExponent;
    for (let i = at + 2; i < start; i++) bytes[i] = zero;
  }
  const first = Math.floor(upper / 1e8);
  bytes[start] = zero + first;
  writeEightDigits(bytes, start + 1, upper - first * 1e8);
  writeEightDigits(bytes, start + 9, lower);
  let end = start + 17;
  while (bytes[end - 1] === zero) end--;
  if (isPlain && decimalExponent < 0) return end;
  const pointAt = isPlain ? at + 1 + decimalExponent : at + 1;
  for (let i = at; i < pointAt; i++) bytes[i] = bytes[i + 1]!;
  bytes[pointAt] = point;
  if (isPlain) return Math.max(end, pointAt + 2);
  if (end === pointAt + 1) end = pointAt;
  bytes[end] = 0x65;
  return writeInteger(bytes, end + 1, decimalExponent);
}
