/** Bytes of the length in front of each element. */
const lengthBytes = 4;

/**
 * Collects the elements of a BYTES tensor in wire form: each a uint32 length (little-endian) and its bytes.
 * Grows by doubling, because the size is known only when the last string has been read.
 */
export class BytesElementWriter {
  #bytes: Uint8Array;
  #length = 0;

  /** @param capacityBytes - Room to start with. */
  constructor(capacityBytes: number) {
    this.#bytes = new Uint8Array(Math.max(64, capacityBytes));
  }

  /** Bytes written so far. */
  get byteLength(): number {
    return this.#length;
  }

  /**
   * Makes room for an element of up to `maxBytes` bytes.
   * @returns Where to write them: `bytes` from `offset`. Then call {@link commit}.
   */
  reserve(maxBytes: number): { bytes: Uint8Array; offset: number } {
    const offset = this.#length + lengthBytes;
    const needed = offset + maxBytes;
    if (needed > this.#bytes.byteLength) {
      const grown = new Uint8Array(Math.max(needed, this.#bytes.byteLength * 2));
      grown.set(this.#bytes.subarray(0, this.#length));
      this.#bytes = grown;
    }
    return { bytes: this.#bytes, offset };
  }

  /** The reserved element has `byteCount` bytes: writes its length in front of it. */
  commit(byteCount: number): void {
    const bytes = this.#bytes;
    const at = this.#length;
    bytes[at] = byteCount & 0xff;
    bytes[at + 1] = (byteCount >>> 8) & 0xff;
    bytes[at + 2] = (byteCount >>> 16) & 0xff;
    bytes[at + 3] = (byteCount >>> 24) & 0xff;
    this.#length = at + lengthBytes + byteCount;
  }

  /** The tensor's data: a view on this writer's memory, which the writer does not touch again. */
  finish(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }
}
