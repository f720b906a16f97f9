import { readDecimal } from "./decimal-number.ts";
import type { JsonCursor } from "./json-cursor.ts";

/** Integers of up to this many digits are doubles exactly. */
const exactDigits = 15;

/**
 * Reads a number, or one of the tokens NaN, Inf, Infinity, -Inf, -Infinity, and moves behind it.
 *
 * Sets `numberStart` and `numberIsInteger` of the cursor.
 *
 * @returns The double nearest to the text, as JSON.parse gives it.
 */
export function readNumber(cursor: JsonCursor): number {
  const { bytes, end, position: start } = cursor;
  cursor.numberStart = start;
  let i = start;
  const isNegative = bytes[i] === 0x2d;
  if (isNegative) i++;
  const digitsStart = i;
  let magnitude = 0;
  for (; i < end; i++) {
    const digit = bytes[i]! - 0x30;
    if (digit < 0 || digit > 9) break;
    magnitude = magnitude * 10 + digit;
  }
  const digitCount = i - digitsStart;
  if (digitCount === 0) return readNonFinite(cursor, isNegative);
  if (digitCount > 1 && bytes[digitsStart] === 0x30) {
    throw cursor.syntaxError("a number has a leading zero", digitsStart);
  }
  const next = i < end ? bytes[i]! : 0;
  if (next === 0x2e || (next | 0x20) === 0x65) {
    // Reading the few digits of the integer part again is cheaper than handing them over.
    magnitude = readDecimal(cursor, digitsStart);
  } else {
    cursor.position = i;
    cursor.numberIsInteger = true;
    if (digitCount > exactDigits) magnitude = -1;
  }
  if (magnitude < 0) return Number(cursor.asciiText(start, cursor.position));
  return isNegative ? -magnitude : magnitude;
}

/** NaN, Inf or Infinity, behind an optional minus that the caller has seen. NaN has no sign. */
function readNonFinite(cursor: JsonCursor, isNegative: boolean): number {
  cursor.numberIsInteger = false;
  if (isNegative) cursor.position++;
  if (cursor.position < cursor.end && cursor.bytes[cursor.position] === 0x49) {
    cursor.readWord("Inf");
    if (cursor.position < cursor.end && cursor.bytes[cursor.position] === 0x69) cursor.readWord("inity");
    return isNegative ? -Infinity : Infinity;
  }
  if (isNegative) throw cursor.syntaxError("a number has no digit");
  cursor.readWord("NaN");
  return NaN;
}

/** The integer that {@link readNumber} has just read, exactly. For those beyond 2^53, where doubles have gaps. */
export function lastInteger(cursor: JsonCursor): bigint {
  return BigInt(cursor.asciiText(cursor.numberStart, cursor.position));
}
