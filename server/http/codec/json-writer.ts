import { writeDouble, maxDoubleBytes } from "./double-text.ts";
import { writeInteger } from "./integer-text.ts";

const quote = 0x22;
const backslash = 0x5c;
const initialBytes = 64 * 1024;
const maxIntegerBytes = 20;
/** An escaped control character, `\u001f`, is the longest that one byte becomes. */
const maxEscapeBytes = 6;

/** The characters that have an escape of one letter. */
const shortEscapes = new Map<number, string>([
  [0x08, "\\b"],
  [0x09, "\\t"],
  [0x0a, "\\n"],
  [0x0c, "\\f"],
  [0x0d, "\\r"],
  [quote, '\\"'],
  [backslash, "\\\\"],
]);

/**
 * Writes UTF-8 JSON text, and bytes behind it, into memory that is used again for the next message and grows as
 * needed.
 *
 * It writes tokens and knows no grammar: brackets, commas and member names are {@link ascii} text of the caller.
 */
export class JsonWriter {
  /** Bytes written since {@link restart}. Who writes into what {@link reserve} returned moves it on. */
  length = 0;
  readonly #retainedBytes: number;
  #bytes: Buffer = Buffer.allocUnsafeSlow(initialBytes);

  /** @param retainedBytes - More memory than this is given back when the next message starts. */
  constructor(retainedBytes: number) {
    this.#retainedBytes = retainedBytes;
  }

  /** Starts a new message, which overwrites the last one. */
  restart(): void {
    this.length = 0;
    if (this.#bytes.byteLength > this.#retainedBytes) this.#bytes = Buffer.allocUnsafeSlow(initialBytes);
  }

  /** The message so far: a view on this writer's memory, valid until the next write or restart. */
  written(): Uint8Array {
    return this.#bytes.subarray(0, this.length);
  }

  /** Returns the memory, with room for `byteCount` bytes from {@link length} on. */
  reserve(byteCount: number): Buffer {
    const needed = this.length + byteCount;
    if (needed > this.#bytes.byteLength) {
      const grown = Buffer.allocUnsafeSlow(Math.max(needed, this.#bytes.byteLength * 2));
      this.#bytes.copy(grown, 0, 0, this.length);
      this.#bytes = grown;
    }
    return this.#bytes;
  }

  /** Writes text that is ASCII and stays as it is. */
  ascii(text: string): void {
    const bytes = this.reserve(text.length);
    let at = this.length;
    for (let i = 0; i < text.length; i++) bytes[at++] = text.charCodeAt(i);
    this.length = at;
  }

  /** Writes bytes as they are. */
  raw(data: Uint8Array): void {
    this.reserve(data.byteLength).set(data, this.length);
    this.length += data.byteLength;
  }

  /** Writes a safe integer. */
  integer(value: number): void {
    this.length = writeInteger(this.reserve(maxIntegerBytes), this.length, value);
  }

  /** Writes any number so that it reads back as the same double: see {@link writeDouble}. */
  double(value: number): void {
    this.length = writeDouble(this.reserve(maxDoubleBytes), this.length, value);
  }

  /** Writes a string in quotes. */
  string(text: string): void {
    const bytes = this.reserve(text.length + 2);
    let at = this.length;
    bytes[at++] = quote;
    for (let i = 0; i < text.length; i++) {
      const unit = text.charCodeAt(i);
      if (unit < 0x20 || unit > 0x7e || unit === quote || unit === backslash) {
        this.utf8String(Buffer.from(text, "utf8"));
        return;
      }
      bytes[at++] = unit;
    }
    bytes[at++] = quote;
    this.length = at;
  }

  /**
   * Writes the UTF-8 from `start` to `end` as a string in quotes.
   *
   * @returns Whether all of it was ASCII. Otherwise somebody must have checked that it is well-formed, or do so now.
   */
  utf8String(text: Uint8Array, start = 0, end = text.byteLength): boolean {
    const bytes = this.reserve((end - start) * maxEscapeBytes + 2);
    let at = this.length;
    let all = 0;
    bytes[at++] = quote;
    for (let i = start; i < end; i++) {
      const byte = text[i]!;
      all |= byte;
      if (byte >= 0x20 && byte !== quote && byte !== backslash) {
        bytes[at++] = byte;
      } else {
        const escape = shortEscapes.get(byte) ?? `\\u${byte.toString(16).padStart(4, "0")}`;
        at += bytes.write(escape, at, "latin1");
      }
    }
    bytes[at++] = quote;
    this.length = at;
    return all < 0x80;
  }
}
