/** Longer strings are rarely names. */
const maxLength = 32;
/** A power of two. The strings of a few dozen models fit; what collides is only made again. */
const slotCount = 1024;

/**
 * Gives one string object for equal short ASCII byte ranges.
 *
 * Requests repeat the same member, tensor and datatype names, and asking the runtime for a string costs about
 * 100 ns however short it is; finding it here costs a tenth. The names also come out with their hash computed,
 * which the look-ups that follow need. Bounded: a new string takes the slot of an old one.
 */
export class ShortStringCache {
  readonly #slots: string[] = new Array<string>(slotCount).fill("");

  /** The ASCII bytes from `start` to `end` as a string. */
  get(bytes: Buffer, start: number, end: number): string {
    const length = end - start;
    if (length > maxLength) return bytes.toString("latin1", start, end);
    let hash = length;
    for (let i = start; i < end; i++) hash = (Math.imul(hash, 31) + bytes[i]!) | 0;
    const slot = (hash ^ (hash >>> 10)) & (slotCount - 1);
    const cached = this.#slots[slot]!;
    if (cached.length === length) {
      let i = 0;
      while (i < length && cached.charCodeAt(i) === bytes[start + i]) i++;
      if (i === length) return cached;
    }
    const made = bytes.toString("latin1", start, end);
    this.#slots[slot] = made;
    return made;
  }
}
