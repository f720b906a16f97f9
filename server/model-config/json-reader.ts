/** Where a JSON text stops being one. */
export class JsonSyntaxError extends Error {
  /** From 1. */
  readonly line: number;
  /** From 1, in UTF-16 units. */
  readonly column: number;
  /** The whole line, without its end. */
  readonly lineText: string;

  constructor(reason: string, text: string, offset: number) {
    super(reason);
    this.name = "JsonSyntaxError";
    const before = text.slice(0, offset).split(/\r\n|\n|\r/);
    this.line = before.length;
    this.column = (before.at(-1) ?? "").length + 1;
    this.lineText = text.split(/\r\n|\n|\r/)[this.line - 1] ?? "";
  }
}

/**
 * Reads a JSON text (RFC 8259). Unlike `JSON.parse` it refuses repeated keys, of which all but one would be
 * ignored, and says where an error is in the same words on every version of Node.
 *
 * @throws JsonSyntaxError
 */
export function readJson(text: string): unknown {
  return new JsonReader(text).readDocument();
}

/** Far above any configuration; below what would overflow the stack. */
const maxDepth = 200;

const whitespace = /[ \t\n\r]*/y;
const numberToken = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y;
const wordToken = /[A-Za-z_$][\w$]*/y;

const literals = new Map<string, unknown>([
  ["true", true],
  ["false", false],
  ["null", null],
]);

class JsonReader {
  readonly #text: string;
  #offset = 0;
  #depth = 0;

  constructor(text: string) {
    this.#text = text;
  }

  readDocument(): unknown {
    const value = this.#readValue();
    const rest = this.#peek();
    if (rest !== "") this.#fail(`expected the end of the file after the first value, found ${this.#found()}`);
    return value;
  }

  #readValue(): unknown {
    const start = this.#peek();
    if (start === "{") return this.#nested(() => this.#readObject());
    if (start === "[") return this.#nested(() => this.#readArray());
    if (start === '"') return this.#readString();
    const number = this.#take(numberToken);
    if (number !== "") return Number(number);
    const word = this.#take(wordToken);
    if (literals.has(word)) return literals.get(word);
    this.#offset -= word.length;
    return this.#fail(`expected a value, found ${this.#found()}`);
  }

  #nested<T>(read: () => T): T {
    if (++this.#depth > maxDepth) this.#fail(`values are nested more than ${maxDepth} deep`);
    this.#offset++;
    const value = read();
    this.#depth--;
    return value;
  }

  #readObject(): Record<string, unknown> {
    const entries = new Map<string, unknown>();
    if (this.#takeIf("}")) return {};
    for (;;) {
      if (this.#peek() !== '"') this.#fail(`expected a name in double quotes, found ${this.#found()}`);
      const start = this.#offset;
      const key = this.#readString();
      if (entries.has(key)) {
        this.#offset = start;
        this.#fail(`the name "${key}" appears twice in one object`);
      }
      if (!this.#takeIf(":")) this.#fail(`expected ':' after the name "${key}", found ${this.#found()}`);
      entries.set(key, this.#readValue());
      // Object.fromEntries makes own properties even of names like __proto__.
      if (this.#takeIf("}")) return Object.fromEntries(entries);
      if (!this.#takeIf(",")) this.#fail(`expected ',' or '}' after the value, found ${this.#found()}`);
    }
  }

  #readArray(): unknown[] {
    const values: unknown[] = [];
    if (this.#takeIf("]")) return values;
    for (;;) {
      values.push(this.#readValue());
      if (this.#takeIf("]")) return values;
      if (!this.#takeIf(",")) this.#fail(`expected ',' or ']' after the value, found ${this.#found()}`);
    }
  }

  #readString(): string {
    let end = this.#offset + 1;
    while (this.#text[end] !== '"') {
      if (end >= this.#text.length || this.#text[end] === "\n") this.#fail("the text in quotes does not end");
      end += this.#text[end] === "\\" ? 2 : 1;
    }
    try {
      const value = JSON.parse(this.#text.slice(this.#offset, end + 1)) as string;
      this.#offset = end + 1;
      return value;
    } catch {
      return this.#fail("the text in quotes has a control character or an unknown escape");
    }
  }

  /** Skips white space; the next character, or "" at the end. */
  #peek(): string {
    this.#take(whitespace);
    return this.#text[this.#offset] ?? "";
  }

  #takeIf(character: string): boolean {
    if (this.#peek() !== character) return false;
    this.#offset++;
    return true;
  }

  /** The text that the sticky pattern matches here, or "". */
  #take(pattern: RegExp): string {
    pattern.lastIndex = this.#offset;
    const match = pattern.exec(this.#text)?.[0] ?? "";
    this.#offset += match.length;
    return match;
  }

  /** What stands here, with what commonly lies behind it. */
  #found(): string {
    const character = this.#peek();
    const before = this.#text.slice(0, this.#offset).trimEnd().at(-1);
    if (character === "") return "the end of the file";
    if (before === "," && (character === "}" || character === "]")) {
      return `'${character}': a comma must not stand before it`;
    }
    if (character === "/" || character === "#") return `'${character}': JSON has no comments`;
    if (character === "'") return "': JSON has double quotes only";
    const word = this.#take(wordToken);
    this.#offset -= word.length;
    return word === "" ? `'${character}'` : `'${word}'`;
  }

  #fail(reason: string): never {
    throw new JsonSyntaxError(reason, this.#text, this.#offset);
  }
}
