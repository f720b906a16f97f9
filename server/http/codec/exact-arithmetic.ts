/**
 * What the conversions between decimal text and doubles share, in both directions: products of two doubles kept
 * exact, as a sum of two doubles.
 */

/** The largest power of ten that is a double exactly. */
export const maxExactPower = 22;
/** 10^0 to 10^22. */
export const powersOfTen: Float64Array = Float64Array.from({ length: maxExactPower + 1 }, (_, power) =>
  Number(`1e${power}`),
);

/** Multiplying with this splits a double into two halves of 26 bits each (Veltkamp). */
const splitter = 2 ** 27 + 1;
const powerHighs = powersOfTen.map((power) => power * splitter - (power * splitter - power));
const powerLows = powersOfTen.map((power, i) => power - powerHighs[i]!);

/**
 * `factor × 10^power − product`, exactly, when `product` is the rounded `factor × 10^power` (Dekker).
 *
 * Holds while nothing overflows or underflows: the callers stay between 1e-30 and 1e60.
 */
export function productError(factor: number, power: number, product: number): number {
  const scaled = factor * splitter;
  const high = scaled - (scaled - factor);
  const low = factor - high;
  const powerHigh = powerHighs[power]!;
  const powerLow = powerLows[power]!;
  return high * powerHigh - product + high * powerLow + low * powerHigh + low * powerLow;
}
