import type { SourcePlace } from "../source-places.ts";
import { PbtxtSyntaxError } from "./pbtxt-syntax-error.ts";

/** A piece of a text in protobuf's text format. */
export interface PbtxtToken {
  /** `end` comes last, once. */
  readonly kind: "word" | "number" | "string" | "symbol" | "end";
  /** As written; of a string what stands between the quotes. */
  readonly text: string;
  readonly place: SourcePlace;
}

const blank = /(?:[ \t\n\r\v\f]|#[^\n]*)*/y;
const word = /[A-Za-z_][A-Za-z0-9_]*/y;
/** With whatever is glued to it, so that `12px` is one wrong number and not a number and a name. */
const number = /\.?[0-9](?:[eE][+-]|[A-Za-z0-9_.])*/y;
const string = /"(?:[^"\\\n]|\\[^\n])*"|'(?:[^'\\\n]|\\[^\n])*'/y;
const symbols = "{}<>[]:;,-./";

/**
 * Cuts a text into tokens. Comments run from `#` to the end of the line.
 *
 * @throws PbtxtSyntaxError at a character that the text format does not have, and at a text in quotes without an end.
 */
export function readTokens(text: string): PbtxtToken[] {
  const tokens: PbtxtToken[] = [];
  const lines = new LineCounter(text);
  let offset = 0;
  for (;;) {
    offset += matchAt(blank, text, offset)?.[0].length ?? 0;
    const place = lines.placeOf(offset);
    if (offset >= text.length) {
      tokens.push({ kind: "end", text: "", place });
      return tokens;
    }
    const { kind, written } = nextToken(text, offset, place);
    tokens.push({ kind, text: kind === "string" ? written.slice(1, -1) : written, place });
    offset += written.length;
  }
}

function nextToken(
  text: string,
  offset: number,
  place: SourcePlace,
): { readonly kind: PbtxtToken["kind"]; readonly written: string } {
  const patterns = [
    ["word", word],
    ["number", number],
    ["string", string],
  ] as const;
  for (const [kind, pattern] of patterns) {
    const match = matchAt(pattern, text, offset);
    if (match !== null) return { kind, written: match[0] };
  }
  const character = String.fromCodePoint(text.codePointAt(offset) ?? 0);
  const isComment = text.startsWith("//", offset) || text.startsWith("/*", offset);
  if (symbols.includes(character) && !isComment) return { kind: "symbol", written: character };
  if (character === '"' || character === "'") {
    throw new PbtxtSyntaxError("the text in quotes does not end in its line", place);
  }
  const hint =
    text.startsWith("//", offset) || text.startsWith("/*", offset) ? ": comments begin with #" : "";
  throw new PbtxtSyntaxError(`unexpected character ${JSON.stringify(character)}${hint}`, place);
}

function matchAt(pattern: RegExp, text: string, offset: number): RegExpExecArray | null {
  pattern.lastIndex = offset;
  return pattern.exec(text);
}

/** Turns offsets, asked for in ascending order, into places. */
class LineCounter {
  readonly #text: string;
  #line = 1;
  #lineStart = 0;
  #offset = 0;

  constructor(text: string) {
    this.#text = text;
  }

  placeOf(offset: number): SourcePlace {
    for (; this.#offset < offset; this.#offset++) {
      if (this.#text[this.#offset] !== "\n") continue;
      this.#line++;
      this.#lineStart = this.#offset + 1;
    }
    return { line: this.#line, column: offset - this.#lineStart + 1 };
  }
}
