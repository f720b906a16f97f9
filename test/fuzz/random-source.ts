/** Numbers that look random and are the same for the same seed on every machine. */
export class RandomSource {
  #state: number;

  /** @param seed - Any integer. @param stream - Another stream of the same seed: one for each case. */
  constructor(seed: number, stream = 0) {
    this.#state = (Math.imul(seed, 0x9e3779b1) ^ Math.imul(stream + 1, 0x85ebca77)) | 0;
    this.#next();
  }

  /** An integer in [0, limit). */
  below(limit: number): number {
    return Math.floor((this.#next() / 2 ** 32) * limit);
  }

  /** Whether something happens that does once in `times`. */
  onceIn(times: number): boolean {
    return this.below(times) === 0;
  }

  pick<T>(list: readonly T[]): T {
    if (list.length === 0) throw new Error("nothing to pick from");
    return list[this.below(list.length)] as T;
  }

  bytes(count: number): Buffer {
    return Buffer.from(Uint8Array.from({ length: count }, () => this.below(256)));
  }

  /** A text of characters that a path or a header value may have. */
  word(maxLength: number): string {
    const characters = "abcXYZ019-._~%:/=&+*()'$!@";
    return Array.from(
      { length: this.below(maxLength + 1) },
      () => characters[this.below(characters.length)],
    ).join("");
  }

  #next(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), 0x2c1b3c6d);
    mixed = Math.imul(mixed ^ (mixed >>> 12), 0x297a2d39);
    return (mixed ^ (mixed >>> 15)) >>> 0;
  }
}
