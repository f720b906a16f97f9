/**
 * Numbers that look random and are the same on every machine: a test and a benchmark must be repeatable.
 *
 * @param seed - Any integer; another seed gives other numbers.
 * @param count - How many.
 * @param limit - They lie in [-limit, limit), evenly.
 */
export function randomWeights(seed: number, count: number, limit: number): Float32Array {
  const weights = new Float32Array(count);
  // A Weyl sequence: each state is the last one plus an odd constant, so no seed is a bad one.
  let state = seed | 0;
  for (let i = 0; i < count; i++) {
    state = (state + 0x6d2b79f5) | 0;
    // Two multiply-and-shift rounds spread each bit of the state over all bits.
    let mixed = Math.imul(state ^ (state >>> 15), 0x2c1b3c6d);
    mixed = Math.imul(mixed ^ (mixed >>> 12), 0x297a2d39);
    mixed ^= mixed >>> 15;
    weights[i] = (mixed / 0x80000000) * limit;
  }
  return weights;
}

/** The memory of a typed array, as an initializer's data. A view: nothing is copied. */
export function bytesOf(array: ArrayBufferView): Uint8Array {
  return new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
}
