import { type JsonKind, jsonKind } from "./json-cursor.ts";
import { type JsonReader, maxNestingDepth, nestingTooDeep } from "./json-reader.ts";

/**
 * Walks the scalars of nested arrays in document order: `[[1,2],[3]]` gives 1, 2, 3. The protocol lets clients
 * nest a tensor's `data` as they like; how they do is not compared with the shape.
 *
 * ```
 * for (let kind = cursor.next(); kind !== jsonKind.none; kind = cursor.next()) { …read the value… }
 * ```
 */
export class FlatArrayCursor {
  readonly #reader: JsonReader;
  readonly #member: string;
  #depth = 1;
  /** The next token is a value: there is no comma or bracket to read before it. */
  #expectsValue: boolean;

  /**
   * Reads the outermost opening bracket.
   * @param member - The name to show in messages.
   * @throws StatusError when there is no array.
   */
  constructor(reader: JsonReader, member: string) {
    this.#reader = reader;
    this.#member = member;
    this.#expectsValue = reader.enterArray(member);
    if (!this.#expectsValue) this.#depth = 0;
  }

  /**
   * Moves to the next scalar, which the caller must read before it calls again.
   * @returns Its kind; `object` is reported as found; `none` behind the outermost array.
   */
  next(): JsonKind {
    const reader = this.#reader;
    for (;;) {
      if (!this.#expectsValue) {
        const kind = reader.nextScalarAtOnce();
        if (kind !== jsonKind.none) return kind;
        while (this.#depth > 0 && !reader.nextElement()) this.#depth--;
        if (this.#depth === 0) return jsonKind.none;
      }
      const kind = reader.kind();
      if (kind !== jsonKind.array) {
        this.#expectsValue = false;
        return kind;
      }
      if (++this.#depth >= maxNestingDepth) throw nestingTooDeep(this.#member);
      this.#expectsValue = reader.enterArray(this.#member);
      if (!this.#expectsValue) this.#depth--;
    }
  }
}
