import { isUtf8 } from "node:buffer";
import { StatusError } from "../../core/status.ts";
import { decodeName } from "./name-cache.ts";

/** How a protobuf field's value is laid out: the low three bits of its tag. */
export const wireType = {
  /** Up to ten bytes of seven bits each, the lowest first; the top bit says that another byte follows. */
  varint: 0,
  /** Eight bytes, little-endian. */
  fixed64: 1,
  /** A varint with the number of bytes, then the bytes: text, bytes, messages and packed lists. */
  delimited: 2,
  /** Four bytes, little-endian. */
  fixed32: 5,
} as const;

/** A varint holds 64 bits, seven in a byte. */
const longestVarintBytes = 10;

/** Request ids are often counters. */
const longestShortText = 16;

/**
 * Reads protobuf fields from one received message.
 *
 * @remarks
 * A cursor over the bytes: {@link offset} moves, {@link end} is where the message that is being read ends. To read a
 * nested message, set `end` to its end and back again afterwards. Nothing is copied; the message must not change
 * while it is read.
 *
 * Every method takes the name of the field that it reads, for the error message alone.
 */
export class ProtoReader {
  readonly bytes: Buffer;
  offset = 0;
  end: number;
  /** The two halves of the last 64-bit varint, as unsigned 32-bit numbers. Set by {@link varint64}. */
  low = 0;
  high = 0;
  readonly #messageName: string;

  /**
   * @param bytes - The message. Views on it may be kept by whoever reads.
   * @param messageName - Of the outermost message, for error messages.
   */
  constructor(bytes: Buffer, messageName: string) {
    this.bytes = bytes;
    this.end = bytes.length;
    this.#messageName = messageName;
  }

  /** Throws the error for bytes that are not the message they should be. */
  malformed(field: string, problem: string): never {
    throw new StatusError(
      "INVALID_ARG",
      `Malformed ${this.#messageName}: ${problem} at byte ${this.offset} of ${this.bytes.length}, in ${field}`,
    );
  }

  /** A field's tag: `field number << 3 | wire type`. */
  tag(parent: string): number {
    const tag = this.uint32(parent);
    if (tag >>> 3 === 0) this.malformed(parent, "field number 0");
    return tag;
  }

  /** A varint that must not need more than 32 bits, unsigned: tags and lengths. */
  uint32(field: string): number {
    const offset = this.offset;
    if (offset < this.end) {
      const first = this.bytes[offset]!;
      if (first < 0x80) {
        this.offset = offset + 1;
        return first;
      }
    }
    this.varint64(field);
    if (this.high !== 0) this.malformed(field, "a tag or length of more than 32 bits");
    return this.low;
  }

  /** A varint of up to 64 bits, into {@link low} and {@link high}. */
  varint64(field: string): void {
    const bytes = this.bytes;
    // A varint that runs past the end is seen as one byte too short below.
    const limit = Math.min(this.end, this.offset + longestVarintBytes);
    let offset = this.offset;
    let low = 0;
    let high = 0;
    let shift = 0;
    while (offset < limit) {
      const byte = bytes[offset++]!;
      const bits = byte & 0x7f;
      if (shift < 28) low |= bits << shift;
      else if (shift === 28) {
        low |= bits << 28;
        high = bits >>> 4;
      } else high |= bits << (shift - 32);
      if (byte < 0x80) {
        this.offset = offset;
        this.low = low >>> 0;
        this.high = high >>> 0;
        return;
      }
      shift += 7;
    }
    this.malformed(field, offset === this.end ? "a number ends too early" : "a number of more than 10 bytes");
  }

  /**
   * A signed 64-bit varint as a number.
   * @throws StatusError INVALID_ARG when a number cannot hold it exactly, beyond 2^53.
   */
  int64Number(field: string): number {
    this.varint64(field);
    const value = (this.high | 0) * 0x1_0000_0000 + this.low;
    if (!Number.isSafeInteger(value)) this.malformed(field, "a number beyond 2^53");
    return value;
  }

  /** Reads the length of a delimited field and returns where its bytes end. They begin at {@link offset}. */
  delimitedEnd(field: string): number {
    const length = this.uint32(field);
    const end = this.offset + length;
    if (end > this.end) {
      this.malformed(field, `${length} bytes announced, ${this.end - this.offset} left,`);
    }
    return end;
  }

  /** A text that requests repeat; see {@link decodeName}. */
  name(field: string): string {
    const end = this.delimitedEnd(field);
    const text = decodeName(this.bytes, this.offset, end);
    this.#checkText(text, end, field);
    this.offset = end;
    return text;
  }

  /** A text that differs from request to request. */
  text(field: string): string {
    const end = this.delimitedEnd(field);
    const ascii = this.#shortAscii(end);
    if (ascii !== null) {
      this.offset = end;
      return ascii;
    }
    const text = this.bytes.toString("utf8", this.offset, end);
    this.#checkText(text, end, field);
    this.offset = end;
    return text;
  }

  /** The bytes from {@link offset} to `end`, as a view on the message. A plain one is made faster than a Buffer. */
  view(end: number): Uint8Array {
    const { bytes, offset } = this;
    this.offset = end;
    return new Uint8Array(bytes.buffer, bytes.byteOffset + offset, end - offset);
  }

  /** Eight bytes as a floating-point number. */
  double(field: string): number {
    if (this.offset + 8 > this.end) this.malformed(field, "a number ends too early");
    const value = this.bytes.readDoubleLE(this.offset);
    this.offset += 8;
    return value;
  }

  /** Passes over the value of a field that nobody asked for. */
  skip(tag: number, parent: string): void {
    switch (tag & 7) {
      case wireType.varint:
        this.varint64(parent);
        return;
      case wireType.fixed64:
        this.advance(8, parent);
        return;
      case wireType.delimited:
        this.offset = this.delimitedEnd(parent);
        return;
      case wireType.fixed32:
        this.advance(4, parent);
        return;
      default:
        // 3 and 4 are groups, which proto3 does not have; 6 and 7 do not exist.
        this.malformed(parent, `wire type ${tag & 7} of field ${tag >>> 3}`);
    }
  }

  /** Passes over `byteCount` bytes. */
  advance(byteCount: number, field: string): void {
    if (this.offset + byteCount > this.end) this.malformed(field, "a number ends too early");
    this.offset += byteCount;
  }

  /** A short text put together from its characters, which costs less than a call into C++; `null` for any other. */
  #shortAscii(end: number): string | null {
    if (end - this.offset > longestShortText) return null;
    let text = "";
    for (let i = this.offset; i < end; i++) {
      const byte = this.bytes[i]!;
      if (byte >= 0x80) return null;
      text += String.fromCharCode(byte);
    }
    return text;
  }

  /** Decoding puts U+FFFD where the bytes are no UTF-8, so only a text that has one needs a closer look. */
  #checkText(text: string, end: number, field: string): void {
    if (text.includes("\ufffd") && !isUtf8(this.bytes.subarray(this.offset, end))) {
      this.malformed(field, "text that is not UTF-8");
    }
  }
}
