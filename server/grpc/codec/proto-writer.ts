/*
 * Protobuf's building blocks as functions over a buffer of the right size: each comes as a pair, one that measures and
 * one that writes at an offset and returns the offset behind it.
 */

/** Bytes of a varint of 0 to 2^32 - 1. */
export function varintSize(value: number): number {
  if (value < 0x80) return 1;
  if (value < 0x4000) return 2;
  if (value < 0x20_0000) return 3;
  return value < 0x1000_0000 ? 4 : 5;
}

/** Writes a varint of 0 to 2^32 - 1. */
export function writeVarint(out: Buffer, at: number, value: number): number {
  let rest = value;
  let next = at;
  while (rest >= 0x80) {
    out[next++] = (rest & 0x7f) | 0x80;
    rest >>>= 7;
  }
  out[next++] = rest;
  return next;
}

/** Bytes of an int64: a negative one always takes ten. */
export function int64Size(value: number | bigint): number {
  if (value < 0) return 10;
  if (value < 0x1_0000_0000) return varintSize(Number(value));
  let size = 5;
  for (let limit = 2 ** 35; size < 10 && value >= limit; limit *= 0x80) size++;
  return size;
}

/** Writes an int64. */
export function writeInt64(out: Buffer, at: number, value: number | bigint): number {
  if (value >= 0 && value < 0x1_0000_0000) return writeVarint(out, at, Number(value));
  let rest = BigInt.asUintN(64, BigInt(value));
  let next = at;
  while (rest >= 0x80n) {
    out[next++] = Number(rest & 0x7fn) | 0x80;
    rest >>= 7n;
  }
  out[next++] = Number(rest);
  return next;
}

/** Texts up to this length are measured and written character by character, which is faster than a call into C++. */
const shortTextLength = 64;

/** Bytes of a text in UTF-8, without a length. */
export function textByteLength(text: string): number {
  if (text.length > shortTextLength) return Buffer.byteLength(text);
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) >= 0x80) return Buffer.byteLength(text);
  return text.length;
}

/** Bytes of a delimited field's value: its length and `byteCount` bytes. */
export function delimitedSize(byteCount: number): number {
  return varintSize(byteCount) + byteCount;
}

/** Writes a text with its length in front. */
export function writeText(out: Buffer, at: number, text: string): number {
  const byteCount = textByteLength(text);
  const start = writeVarint(out, at, byteCount);
  if (byteCount !== text.length || byteCount > shortTextLength) {
    return start + out.write(text, start, byteCount);
  }
  for (let i = 0; i < byteCount; i++) out[start + i] = text.charCodeAt(i);
  return start + byteCount;
}
