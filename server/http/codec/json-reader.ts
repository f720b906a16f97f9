import type { ParameterValue } from "../../core/inference-request.ts";
import { StatusError } from "../../core/status.ts";
import { JsonCursor, type JsonKind, jsonKind, kindOf } from "./json-cursor.ts";
import { lastInteger, readNumber } from "./json-number.ts";
import { lastName, lastString, scanString } from "./json-string.ts";

/**
 * Arrays and objects may be nested this deep less one; the inference protocol needs a handful of levels.
 * @see docs/protocol.md, "Limits"
 */
export const maxNestingDepth = 100;

/** Largest integers that the protocol can carry. */
const maxUint64 = 2n ** 64n - 1n;
const maxInt64 = 2n ** 63n - 1n;
const minInt64 = -(2n ** 63n);

/** The error for a member of the wrong JSON type, in the words that Triton's clients may match on. */
export function wrongJsonType(member: string, wanted: string): StatusError {
  return new StatusError(
    "INVALID_ARG",
    `Unable to parse '${member}': attempt to access JSON non-${wanted} as ${wanted}`,
  );
}

/** The error for arrays and objects nested too deep. */
export function nestingTooDeep(member: string): StatusError {
  return new StatusError(
    "INVALID_ARG",
    `Unable to parse '${member}': JSON nesting depth exceeds the limit of ${maxNestingDepth}`,
  );
}

/**
 * Reads a JSON document from its bytes, token by token, in the order of the text. No tree is built.
 *
 * An object is read as
 *
 * ```
 * for (let key = reader.enterObject("inputs"); key !== null; key = reader.nextKey()) { …read or skip the value… }
 * ```
 *
 * and an array as
 *
 * ```
 * for (let more = reader.enterArray("shape"); more; more = reader.nextElement()) { …read or skip the value… }
 * ```
 *
 * @remarks
 * Accepts RFC 8259 and the number tokens NaN, Inf, Infinity, -Inf and -Infinity. Text that is not JSON and values
 * of the wrong type throw a StatusError of INVALID_ARG: it is the client's document. Triton calls both INTERNAL.
 * The `member` of the read methods is the name to show in that message.
 */
export class JsonReader extends JsonCursor {
  /** Reads the opening brace. Returns the first member's name, or `null` when the object is empty. */
  enterObject(member: string): string | null {
    if (this.kind() !== jsonKind.object) throw wrongJsonType(member, "object");
    this.position++;
    if (this.skipWhitespace() === 0x7d) {
      this.position++;
      return null;
    }
    return this.#readKey();
  }

  /** After a member's value: returns the next member's name, or `null` when the object ends here. */
  nextKey(): string | null {
    const byte = this.skipWhitespace();
    if (byte === 0x2c) {
      this.position++;
      this.skipWhitespace();
      return this.#readKey();
    }
    if (byte !== 0x7d) throw this.syntaxError("expected ',' or '}' behind an object's member");
    this.position++;
    return null;
  }

  #readKey(): string {
    this.#scanKey();
    return lastName(this);
  }

  /** Reads a member's name and the colon. */
  #scanKey(): void {
    if (this.skipWhitespace() !== 0x22) throw this.syntaxError("expected a member's name in quotes");
    scanString(this);
    if (this.skipWhitespace() !== 0x3a) throw this.syntaxError("expected ':' behind a member's name");
    this.position++;
  }

  /** Reads the opening bracket. Returns whether the array has an element. */
  enterArray(member: string): boolean {
    if (this.kind() !== jsonKind.array) throw wrongJsonType(member, "array");
    this.position++;
    if (this.skipWhitespace() === 0x5d) {
      this.position++;
      return false;
    }
    return true;
  }

  /** After an element: returns whether another one follows. */
  nextElement(): boolean {
    const byte = this.skipWhitespace();
    if (byte !== 0x2c && byte !== 0x5d)
      throw this.syntaxError("expected ',' or ']' behind an array's element");
    this.position++;
    return byte === 0x2c;
  }

  /**
   * After an element, when a comma, at most one space and a scalar follow, as they do in nearly all arrays: moves
   * to that scalar and returns its kind. Otherwise reads nothing and returns `none`.
   */
  nextScalarAtOnce(): JsonKind {
    const { bytes, position, end } = this;
    if (position + 2 >= end || bytes[position] !== 0x2c) return jsonKind.none;
    const at = bytes[position + 1] === 0x20 ? position + 2 : position + 1;
    const kind = kindOf(bytes[at]!);
    if (kind <= jsonKind.array) return jsonKind.none;
    this.position = at;
    return kind;
  }

  /** Reads a string of any length and content. */
  readString(member: string): string {
    if (this.kind() !== jsonKind.string) throw wrongJsonType(member, "string");
    scanString(this);
    return lastString(this);
  }

  /** Reads a string that other requests carry too. Equal names are the same string object. */
  readName(member: string): string {
    if (this.kind() !== jsonKind.string) throw wrongJsonType(member, "string");
    scanString(this);
    return lastName(this);
  }

  readBoolean(member: string): boolean {
    if (this.kind() !== jsonKind.boolean) throw wrongJsonType(member, "boolean");
    return this.readBooleanWord();
  }

  /** Reads `true` or `false`, when the kind of the value is known to be boolean. */
  readBooleanWord(): boolean {
    const isTrue = this.bytes[this.position] === 0x74;
    this.readWord(isTrue ? "true" : "false");
    return isTrue;
  }

  /** Reads an integer from 0 to 2^64 - 1; a `bigint` beyond 2^53 - 1. */
  readUnsigned(member: string): number | bigint {
    const wanted = "unsigned integer";
    if (this.kind() !== jsonKind.number) throw wrongJsonType(member, wanted);
    const value = readNumber(this);
    if (!this.numberIsInteger || value < 0) throw wrongJsonType(member, wanted);
    if (value <= Number.MAX_SAFE_INTEGER) return value;
    const exact = lastInteger(this);
    if (exact > maxUint64) throw wrongJsonType(member, wanted);
    return exact;
  }

  /**
   * Reads a string, boolean or number as a parameter's value. An integer beyond 2^53 is a `bigint`.
   * @returns `null` when the value is of another kind, or an integer that is no int64; it is then read over.
   */
  readParameterValue(): ParameterValue | null {
    switch (this.kind()) {
      case jsonKind.string:
        scanString(this);
        return lastString(this);
      case jsonKind.boolean:
        return this.readBooleanWord();
      case jsonKind.number: {
        const value = readNumber(this);
        if (!this.numberIsInteger || Number.isSafeInteger(value)) return value;
        const exact = lastInteger(this);
        return exact >= minInt64 && exact <= maxInt64 ? exact : null;
      }
      default:
        this.skipValue("parameters");
        return null;
    }
  }

  /**
   * Reads over a value of any kind, checking that it is JSON. Iterative.
   * @throws StatusError when it is not, or is nested 100 deep or more.
   */
  skipValue(member: string): void {
    if (!this.#skipScalar(this.kind())) this.#skipContainer(member);
  }

  #skipContainer(member: string): void {
    /** The kind of each open array or object, outermost first. */
    const open = new Uint8Array(maxNestingDepth);
    let depth = 0;
    do {
      const kind = this.kind();
      if (!this.#skipScalar(kind)) {
        if (depth === maxNestingDepth - 1) throw nestingTooDeep(member);
        this.position++;
        if (this.skipWhitespace() === closingByte(kind)) {
          this.position++;
        } else {
          open[depth++] = kind;
          if (kind === jsonKind.object) this.#scanKey();
          continue;
        }
      }
      // Behind a value: leave the containers that end here, or stop in front of the next value.
      while (depth > 0) {
        const container = open[depth - 1] as JsonKind;
        if (container === jsonKind.array ? this.nextElement() : this.#nextSkippedKey()) break;
        depth--;
      }
    } while (depth > 0);
  }

  /** As {@link nextKey}, without making a string of the name. */
  #nextSkippedKey(): boolean {
    const byte = this.skipWhitespace();
    if (byte !== 0x2c && byte !== 0x7d)
      throw this.syntaxError("expected ',' or '}' behind an object's member");
    this.position++;
    if (byte === 0x2c) this.#scanKey();
    return byte === 0x2c;
  }

  /** Reads over a value that is no array or object. Returns false, having read nothing, when it is one. */
  #skipScalar(kind: JsonKind): boolean {
    switch (kind) {
      case jsonKind.string:
        scanString(this);
        return true;
      case jsonKind.number:
        readNumber(this);
        return true;
      case jsonKind.boolean:
        this.readBooleanWord();
        return true;
      case jsonKind.null:
        this.readWord("null");
        return true;
      default:
        return false;
    }
  }

  /** After the document's value: there must be nothing but white space. */
  expectEnd(): void {
    if (this.skipWhitespace() >= 0) throw this.syntaxError("text follows the document");
  }
}

function closingByte(kind: JsonKind): number {
  return kind === jsonKind.object ? 0x7d : 0x5d;
}
