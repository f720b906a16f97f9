/** Reads a body in chunked transfer encoding, however its bytes are cut. */
export class ChunkedBody {
  readonly #parts: Buffer[] = [];
  readonly #onPart: ((bytes: Buffer) => void) | null;
  #pending: Buffer = Buffer.alloc(0);
  #isTrailer = false;

  /** @param onPart - Sees the bytes of each chunk, for the time of the call. */
  constructor(onPart: ((bytes: Buffer) => void) | null = null) {
    this.#onPart = onPart;
  }

  /**
   * @param bytes - The next bytes of the connection. Copied where they are kept.
   * @returns The whole body when it is complete, else `null`.
   * @throws Error when the encoding is broken.
   */
  push(bytes: Buffer): Buffer | null {
    this.#pending = this.#pending.length === 0 ? bytes : Buffer.concat([this.#pending, bytes]);
    for (;;) {
      const lineEnd = this.#pending.indexOf("\r\n");
      if (lineEnd < 0) return this.#keep();
      if (this.#isTrailer) {
        this.#pending = this.#pending.subarray(lineEnd + 2);
        if (lineEnd === 0) return Buffer.concat(this.#parts);
        continue;
      }
      const line = this.#pending.toString("latin1", 0, lineEnd);
      const size = /^[\da-f]{1,8}/i.exec(line);
      if (size === null)
        throw new Error(`The server sent a broken chunk: ${JSON.stringify(line.slice(0, 40))}`);
      const byteLength = Number.parseInt(size[0], 16);
      if (byteLength === 0) {
        this.#isTrailer = true;
        this.#pending = this.#pending.subarray(lineEnd + 2);
        continue;
      }
      const begin = lineEnd + 2;
      if (this.#pending.length < begin + byteLength + 2) return this.#keep();
      const part = this.#pending.subarray(begin, begin + byteLength);
      this.#onPart?.(part);
      this.#parts.push(Buffer.from(part));
      this.#pending = this.#pending.subarray(begin + byteLength + 2);
    }
  }

  /** What is left may lie in a buffer of the socket. */
  #keep(): null {
    this.#pending = Buffer.from(this.#pending);
    return null;
  }
}
