import type { JsonCursor } from "./json-cursor.ts";
import { ShortStringCache } from "./short-string-cache.ts";
import { utf8SequenceLength } from "./utf8-sequence.ts";

const quote = 0x22;
const backslash = 0x5c;

/** What follows a backslash → the byte it stands for; 0 where it is no simple escape. */
const simpleEscapes = new Uint8Array(256);
for (const [letter, meaning] of ['""', "\\\\", "//", "b\b", "f\f", "n\n", "r\r", "t\t"] as const) {
  simpleEscapes[letter!.charCodeAt(0)] = meaning!.charCodeAt(0);
}

const names = new ShortStringCache();

/**
 * Checks the string whose opening quote is at the cursor and moves behind its closing quote.
 *
 * Afterwards the cursor's string fields describe it, and {@link lastString}, {@link lastName} and
 * {@link copyLastString} can read it without checking again.
 */
export function scanString(cursor: JsonCursor): void {
  const { bytes, end } = cursor;
  let i = cursor.position + 1;
  cursor.stringStart = i;
  cursor.stringHasEscape = false;
  cursor.stringIsAscii = true;
  while (i < end) {
    const byte = bytes[i]!;
    if (byte === quote) {
      cursor.stringEnd = i;
      cursor.position = i + 1;
      return;
    }
    if (byte === backslash) {
      cursor.stringHasEscape = true;
      i = checkEscape(cursor, i);
    } else if (byte < 0x20) {
      throw cursor.syntaxError("a string holds a control character that is not escaped", i);
    } else if (byte < 0x80) {
      i++;
    } else {
      cursor.stringIsAscii = false;
      const length = utf8SequenceLength(bytes, i, end);
      if (length === 0) throw cursor.syntaxError("a string holds invalid UTF-8", i);
      i += length;
    }
  }
  throw cursor.syntaxError("a string has no closing quote", end);
}

/** Checks the escape at `at` and returns the position behind it, behind both halves of a surrogate pair. */
function checkEscape(cursor: JsonCursor, at: number): number {
  const { bytes, end } = cursor;
  const letter = at + 1 < end ? bytes[at + 1]! : 0;
  if (simpleEscapes[letter] !== 0) return at + 2;
  const unit = unicodeEscape(bytes, at, end);
  if (unit < 0) throw cursor.syntaxError("a string holds an invalid escape", at);
  if (unit < 0xd800 || unit > 0xdfff) return at + 6;
  const second = unicodeEscape(bytes, at + 6, end);
  if (unit > 0xdbff || second < 0xdc00 || second > 0xdfff) {
    // Half a pair is no character and has no UTF-8.
    throw cursor.syntaxError("a string holds an escaped surrogate without its other half", at);
  }
  return at + 12;
}

/** The UTF-16 unit of the escape `\uXXXX` at `at`, or -1 when there is none. */
function unicodeEscape(bytes: Uint8Array, at: number, end: number): number {
  if (at + 6 > end || bytes[at] !== backslash || bytes[at + 1] !== 0x75) return -1;
  let unit = 0;
  for (let i = at + 2; i < at + 6; i++) {
    const byte = bytes[i]!;
    const letter = byte | 0x20;
    if (byte >= 0x30 && byte <= 0x39) unit = unit * 16 + byte - 0x30;
    else if (letter >= 0x61 && letter <= 0x66) unit = unit * 16 + letter - 0x57;
    else return -1;
  }
  return unit;
}

/** The string that {@link scanString} has just checked. */
export function lastString(cursor: JsonCursor): string {
  const { bytes, stringStart, stringEnd } = cursor;
  if (cursor.stringHasEscape) {
    const unescaped = Buffer.allocUnsafe(stringEnd - stringStart);
    return unescaped.toString("utf8", 0, copyLastString(cursor, unescaped, 0));
  }
  return bytes.toString(cursor.stringIsAscii ? "latin1" : "utf8", stringStart, stringEnd);
}

/** The same for strings that come again and again: names of members, tensors and data types. */
export function lastName(cursor: JsonCursor): string {
  if (cursor.stringHasEscape || !cursor.stringIsAscii) return lastString(cursor);
  return names.get(cursor.bytes, cursor.stringStart, cursor.stringEnd);
}

/** Up to this many bytes a loop is faster than the call to copy them. */
const shortCopyBytes = 24;

/**
 * Writes the string that {@link scanString} has just checked as UTF-8.
 *
 * @param out - Must have room for `stringEnd - stringStart` bytes: an escape is never shorter than its character.
 * @returns How many bytes were written.
 */
export function copyLastString(cursor: JsonCursor, out: Uint8Array, offset: number): number {
  const { bytes, stringStart, stringEnd } = cursor;
  if (cursor.stringHasEscape) return unescape(bytes, stringStart, stringEnd, out, offset);
  if (stringEnd - stringStart <= shortCopyBytes) {
    for (let i = stringStart; i < stringEnd; i++) out[offset++] = bytes[i]!;
  } else {
    bytes.copy(out, offset, stringStart, stringEnd);
  }
  return stringEnd - stringStart;
}

/** Copies bytes from `start` to `end` and replaces the escapes, which are known to be valid. */
function unescape(bytes: Buffer, start: number, end: number, out: Uint8Array, offset: number): number {
  let written = offset;
  let i = start;
  while (i < end) {
    const byte = bytes[i]!;
    if (byte !== backslash) {
      out[written++] = byte;
      i++;
      continue;
    }
    const simple = simpleEscapes[bytes[i + 1]!]!;
    if (simple !== 0) {
      out[written++] = simple;
      i += 2;
      continue;
    }
    let codePoint = unicodeEscape(bytes, i, end);
    i += 6;
    if (codePoint >= 0xd800 && codePoint <= 0xdfff) {
      codePoint = 0x10000 + ((codePoint - 0xd800) << 10) + unicodeEscape(bytes, i, end) - 0xdc00;
      i += 6;
    }
    written = writeUtf8(codePoint, out, written);
  }
  return written - offset;
}

/** Writes one character and returns the position behind it. */
function writeUtf8(codePoint: number, out: Uint8Array, offset: number): number {
  if (codePoint < 0x80) {
    out[offset++] = codePoint;
    return offset;
  }
  if (codePoint < 0x800) {
    out[offset++] = 0xc0 | (codePoint >> 6);
  } else {
    if (codePoint < 0x10000) {
      out[offset++] = 0xe0 | (codePoint >> 12);
    } else {
      out[offset++] = 0xf0 | (codePoint >> 18);
      out[offset++] = 0x80 | ((codePoint >> 12) & 0x3f);
    }
    out[offset++] = 0x80 | ((codePoint >> 6) & 0x3f);
  }
  out[offset++] = 0x80 | (codePoint & 0x3f);
  return offset;
}
