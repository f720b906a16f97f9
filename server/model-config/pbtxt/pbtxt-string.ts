/** What `\n` and its like stand for. */
const simpleEscapes: ReadonlyMap<string, number> = new Map([
  ["a", 7],
  ["b", 8],
  ["t", 9],
  ["n", 10],
  ["v", 11],
  ["f", 12],
  ["r", 13],
  ['"', 34],
  ["'", 39],
  ["?", 63],
  ["\\", 92],
]);

const escapePattern =
  /\\(?:([abtnvfr"'?\\])|([0-7]{1,3})|[xX]([0-9A-Fa-f]{1,2})|u([0-9A-Fa-f]{4})|U([0-9A-Fa-f]{8}))/y;

/**
 * Collects the bytes of one text value, which may be written as several quoted parts.
 *
 * @remarks
 * Octal and hexadecimal escapes are bytes, Unicode escapes are characters: only the whole is UTF-8.
 */
export class PbtxtString {
  readonly #bytes: number[] = [];
  /** The first half of a character that was written as two `\u` escapes; 0: none. */
  #highSurrogate = 0;

  /**
   * Adds what stands between two quotes.
   *
   * @returns `null`, or the offset of the escape that is wrong and what is wrong about it.
   */
  add(quoted: string): { readonly offset: number; readonly reason: string } | null {
    let offset = 0;
    while (offset < quoted.length) {
      const backslash = quoted.indexOf("\\", offset);
      const end = backslash < 0 ? quoted.length : backslash;
      if (end > offset) {
        if (this.#highSurrogate !== 0) return { offset, reason: halfCharacter };
        for (const byte of Buffer.from(quoted.slice(offset, end))) this.#bytes.push(byte);
        offset = end;
        continue;
      }
      escapePattern.lastIndex = offset;
      const match = escapePattern.exec(quoted);
      if (match === null) return { offset, reason: unknownEscape(quoted, offset) };
      const reason = this.#addEscape(match);
      if (reason !== null) return { offset, reason };
      offset += match[0].length;
    }
    return null;
  }

  /** The value, or `null` when its bytes are not UTF-8 text. */
  text(): string | null {
    if (this.#highSurrogate !== 0) return null;
    try {
      return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(Uint8Array.from(this.#bytes));
    } catch {
      return null;
    }
  }

  #addEscape([, simple, octal, hex, unicode, longUnicode]: RegExpExecArray): string | null {
    const codePoint = Number.parseInt(unicode ?? longUnicode ?? "0", 16);
    const isLow = unicode !== undefined && codePoint >= 0xdc00 && codePoint <= 0xdfff;
    if ((this.#highSurrogate !== 0) !== isLow) return halfCharacter;
    if (simple !== undefined) this.#bytes.push(simpleEscapes.get(simple) ?? 0);
    else if (octal !== undefined) return this.#addByte(Number.parseInt(octal, 8), octal);
    else if (hex !== undefined) this.#bytes.push(Number.parseInt(hex, 16));
    else if (isLow) {
      this.#addCodePoint((this.#highSurrogate - 0xd800) * 0x400 + (codePoint - 0xdc00) + 0x10000);
      this.#highSurrogate = 0;
    } else if (unicode !== undefined && codePoint >= 0xd800 && codePoint <= 0xdbff) {
      this.#highSurrogate = codePoint;
    } else if (codePoint > 0x10ffff || (codePoint >= 0xd800 && codePoint <= 0xdfff)) {
      return `the escape \\U${longUnicode ?? ""} is no Unicode character, the last one is \\U0010FFFF`;
    } else this.#addCodePoint(codePoint);
    return null;
  }

  #addByte(byte: number, octal: string): string | null {
    if (byte > 255) return `the escape \\${octal} is no byte, the largest is \\377`;
    this.#bytes.push(byte);
    return null;
  }

  #addCodePoint(codePoint: number): void {
    for (const byte of Buffer.from(String.fromCodePoint(codePoint))) this.#bytes.push(byte);
  }
}

const halfCharacter =
  "a \\u escape from D800 to DBFF must be followed by one from DC00 to DFFF, and this one only comes after such a one";

function unknownEscape(quoted: string, offset: number): string {
  const found = quoted.slice(offset, offset + 2);
  return `unknown escape ${found}: a backslash is written \\\\, a byte \\ooo or \\xhh, a character \\uhhhh or \\Uhhhhhhhh`;
}
