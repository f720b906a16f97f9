import type { SourcePlace } from "../source-places.ts";
import { PbtxtString } from "./pbtxt-string.ts";
import { PbtxtSyntaxError } from "./pbtxt-syntax-error.ts";
import { type PbtxtToken, readTokens } from "./pbtxt-tokens.ts";

/** One `name: value` of a message, as written. */
export interface PbtxtField {
  /** A name, or a number in decimal. */
  readonly name: string;
  readonly place: SourcePlace;
  /** More or fewer than one only in a list. */
  readonly values: readonly PbtxtValue[];
  readonly isList: boolean;
}

/** A value, as written: what it means depends on the field. */
export type PbtxtValue =
  | { readonly kind: "message"; readonly place: SourcePlace; readonly fields: readonly PbtxtField[] }
  | { readonly kind: "string"; readonly place: SourcePlace; readonly text: string }
  /** A word or a number, with its minus sign. */
  | { readonly kind: "word" | "number"; readonly place: SourcePlace; readonly text: string };

/**
 * Reads protobuf's text format, whatever the message is.
 *
 * ```
 * message = { field [ "," | ";" ] }
 * field   = name ":" ( scalar | "[" [ scalar { "," scalar } ] "]" )
 *         | name [ ":" ] ( nested | "[" [ nested { "," nested } ] "]" )
 * nested  = "{" message "}" | "<" message ">"
 * scalar  = string { string } | [ "-" ] ( word | number )
 * ```
 *
 * @returns The fields of the outermost message, in their order.
 * @throws PbtxtSyntaxError at the first thing that is wrong.
 * @see protobuf.dev/reference/protobuf/textformat-spec
 */
export function parsePbtxt(text: string): readonly PbtxtField[] {
  return new PbtxtParser(readTokens(text)).parseDocument();
}

/** Far above any configuration; below what would overflow the stack. */
const maxDepth = 200;

const closerOf: Readonly<Record<string, string>> = { "{": "}", "<": ">" };

class PbtxtParser {
  readonly #tokens: readonly PbtxtToken[];
  #index = 0;
  #depth = 0;

  constructor(tokens: readonly PbtxtToken[]) {
    this.#tokens = tokens;
  }

  parseDocument(): readonly PbtxtField[] {
    return this.#parseFields(null);
  }

  /** @param opening - The token whose counterpart ends the fields; `null`: the end of the file does. */
  #parseFields(opening: PbtxtToken | null): PbtxtField[] {
    const fields: PbtxtField[] = [];
    const closer = opening === null ? null : (closerOf[opening.text] ?? "");
    for (;;) {
      const token = this.#peek();
      const isEnd = closer === null ? token.kind === "end" : this.#isSymbol(closer);
      if (isEnd) {
        this.#index++;
        return fields;
      }
      if (token.kind === "end" && opening !== null) {
        this.#fail(`expected '${closer ?? ""}' for the '${opening.text}' in line ${opening.place.line}`);
      }
      fields.push(this.#parseField(closer));
      // One of them at most, as in protobuf.
      if (this.#isSymbol(",") || this.#isSymbol(";")) this.#index++;
    }
  }

  #parseField(closer: string | null): PbtxtField {
    const name = this.#peek();
    if (this.#isSymbol("[")) {
      throw new PbtxtSyntaxError(
        "a model's configuration has no extensions and no Any: expected the name of a field, found '['",
        name.place,
      );
    }
    if (name.kind !== "word" && !(name.kind === "number" && /^[0-9]+$/.test(name.text))) {
      this.#fail(`expected the name of a field${closer === null ? "" : ` or '${closer}'`}`);
    }
    this.#index++;
    const hasColon = this.#isSymbol(":");
    if (hasColon) this.#index++;
    const isList = this.#isSymbol("[");
    const values = isList ? this.#parseList() : [this.#parseValue()];
    const scalar = values.find((value) => value.kind !== "message");
    if (!hasColon && scalar !== undefined) {
      throw new PbtxtSyntaxError(
        `expected ':' after '${name.text}': only a message in braces may stand without it`,
        scalar.place,
      );
    }
    return { name: name.text, place: name.place, values, isList };
  }

  #parseList(): PbtxtValue[] {
    const values: PbtxtValue[] = [];
    this.#index++;
    if (this.#isSymbol("]")) {
      this.#index++;
      return values;
    }
    for (;;) {
      values.push(this.#parseValue());
      const isDone = this.#isSymbol("]");
      if (!isDone && !this.#isSymbol(",")) this.#fail("expected ',' or ']' after the value in the list");
      this.#index++;
      if (isDone) return values;
      if (this.#isSymbol("]")) this.#fail("expected another value after ',' in the list");
    }
  }

  #parseValue(): PbtxtValue {
    const token = this.#peek();
    const { place } = token;
    if (token.kind === "string") return { kind: "string", place, text: this.#parseString() };
    if (this.#isSymbol("{") || this.#isSymbol("<")) return this.#parseMessage(token);
    const sign = this.#isSymbol("-") ? "-" : "";
    if (sign !== "") this.#index++;
    const { kind, text } = this.#peek();
    if (kind !== "word" && kind !== "number") return this.#fail("expected a value");
    this.#index++;
    return { kind, place, text: sign + text };
  }

  #parseMessage(opening: PbtxtToken): PbtxtValue {
    if (++this.#depth > maxDepth) this.#fail(`messages are nested more than ${maxDepth} deep`);
    this.#index++;
    const fields = this.#parseFields(opening);
    this.#depth--;
    return { kind: "message", place: opening.place, fields };
  }

  /** Texts that follow each other are one. */
  #parseString(): string {
    const first = this.#peek();
    const value = new PbtxtString();
    for (let token = first; token.kind === "string"; token = this.#peek()) {
      const problem = value.add(token.text);
      if (problem !== null) {
        const { line, column } = token.place;
        throw new PbtxtSyntaxError(problem.reason, { line, column: column + 1 + problem.offset });
      }
      this.#index++;
    }
    const text = value.text();
    if (text === null) throw new PbtxtSyntaxError("the text in quotes is not UTF-8", first.place);
    return text;
  }

  #peek(): PbtxtToken {
    const token = this.#tokens[this.#index];
    if (token === undefined) throw new Error("The parser read past the end. This is a bug.");
    return token;
  }

  #isSymbol(text: string): boolean {
    const token = this.#peek();
    return token.kind === "symbol" && token.text === text;
  }

  /** @param expected - What would be right; what stands there is added. */
  #fail(expected: string): never {
    const { kind, text, place } = this.#peek();
    const found =
      kind === "end" ? "the end of the file" : kind === "string" ? "a text in quotes" : `'${text}'`;
    throw new PbtxtSyntaxError(`${expected}, found ${found}`, place);
  }
}
