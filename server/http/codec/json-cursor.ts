import { StatusError } from "../../core/status.ts";

/** What a JSON value is, as its first byte tells. 0 is no value. */
export const jsonKind = {
  none: 0,
  object: 1,
  array: 2,
  string: 3,
  /** A number, or one of the bare tokens NaN, Inf, Infinity, -Inf, -Infinity. */
  number: 4,
  boolean: 5,
  null: 6,
} as const;
export type JsonKind = (typeof jsonKind)[keyof typeof jsonKind];

/** The kind of value that each byte may start. */
const kindByFirstByte = new Uint8Array(256);
for (const [first, kind] of [
  ["{", jsonKind.object],
  ["[", jsonKind.array],
  ['"', jsonKind.string],
  ["-0123456789NI", jsonKind.number],
  ["tf", jsonKind.boolean],
  ["n", jsonKind.null],
] as const) {
  for (const character of first) kindByFirstByte[character.charCodeAt(0)] = kind;
}

/** The kind of value that starts with this byte; `none` when no value does. */
export function kindOf(first: number): JsonKind {
  return kindByFirstByte[first] as JsonKind;
}

/** The same bytes as a Buffer, which can turn byte ranges into strings. Nothing is copied. */
export function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/**
 * A position in UTF-8 JSON text, and what the last token read there was.
 *
 * @remarks
 * One small object carries the results of a token (its bounds and flags), because a token that returned an object
 * would allocate one per array element.
 */
export class JsonCursor {
  readonly bytes: Buffer;
  /** First byte of the text in {@link bytes}: offsets in messages count from here. */
  readonly start: number;
  /** First byte behind the text. */
  readonly end: number;
  /** Next byte to read. */
  position: number;
  /** Bounds of the last string, without its quotes. */
  stringStart = 0;
  stringEnd = 0;
  stringHasEscape = false;
  stringIsAscii = true;
  /** First byte of the last number; it ended at {@link position} when it was read. */
  numberStart = 0;
  /** The last number had neither fraction nor exponent: `1.0` and `1e3` are no JSON integers here. */
  numberIsInteger = false;

  constructor(bytes: Uint8Array, start: number, end: number) {
    this.bytes = asBuffer(bytes);
    this.start = start;
    this.end = end;
    this.position = start;
  }

  /** Moves to the next byte that is no white space and returns it, or -1 at the end. */
  skipWhitespace(): number {
    const { bytes, end } = this;
    let i = this.position;
    for (; i < end; i++) {
      const byte = bytes[i]!;
      if (byte > 0x20 || (byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09)) {
        this.position = i;
        return byte;
      }
    }
    this.position = i;
    return -1;
  }

  /**
   * Moves to the next value and says what it is, by its first byte.
   * @throws StatusError when no value starts there.
   */
  kind(): JsonKind {
    const first = this.skipWhitespace();
    const kind = first < 0 ? jsonKind.none : kindOf(first);
    if (kind === jsonKind.none) {
      throw this.syntaxError(first < 0 ? "the text ends where a value should be" : "no value starts here");
    }
    return kind;
  }

  /** Reads the bare word `word`, whose first byte the caller has seen. */
  readWord(word: string): void {
    const { bytes, position, end } = this;
    for (let i = 0; i < word.length; i++) {
      if (position + i >= end || bytes[position + i] !== word.charCodeAt(i)) {
        throw this.syntaxError(`expected '${word}'`);
      }
    }
    this.position = position + word.length;
  }

  /** Bytes of the text that are known to be ASCII, as a string. */
  asciiText(from: number, to: number): string {
    return this.bytes.toString("latin1", from, to);
  }

  /** The error for text that is not JSON. `at` is an index into {@link bytes}. */
  syntaxError(what: string, at: number = this.position): StatusError {
    return new StatusError(
      "INVALID_ARG",
      `failed to parse the request JSON buffer: ${what} at byte ${at - this.start}`,
    );
  }
}
