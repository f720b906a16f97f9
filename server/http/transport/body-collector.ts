import { bodyPool } from "./body-pool.ts";
import type { BodyReceiver } from "./http-exchange.ts";

/** Bodies up to this are allocated at once when their length is announced; larger ones grow as they arrive. */
const trustedLengthBytes = 16 * 1024 * 1024;

/** Chunks that an upload may have: Triton's limit. */
const maxChunkCount = 65_536;

/**
 * Chunks from this size on are not counted: the body's size bounds them. It also keeps the parts in which a large chunk
 * arrives, which look like chunks here, from being taken for many.
 */
const smallChunkBytes = 1024;

/**
 * Joins a body from the chunks in which it arrives: each byte is copied once. A body without an announced length may
 * come in no more than 65536 chunks of less than 1 KiB.
 */
export class BodyCollector {
  readonly #length: number;
  readonly #maxBytes: number;
  readonly #receiver: BodyReceiver;
  #body: Uint8Array | null = null;
  #received = 0;
  #smallChunkCount = 0;
  #isOver = false;

  /** @param length - As announced by Content-Length, or -1. */
  constructor(length: number, maxBytes: number, receiver: BodyReceiver) {
    this.#length = length;
    this.#maxBytes = maxBytes;
    this.#receiver = receiver;
  }

  /**
   * Takes the next chunk. Calls after the last one, or after the limit was passed, do nothing.
   *
   * @param chunk - Copied before this returns.
   */
  add(chunk: Uint8Array, isLast: boolean): void {
    if (this.#isOver) return;
    if (this.#isOneChunkTooMany(chunk)) {
      this.#isOver = true;
      this.#receiver.onTooLarge("chunks");
      return;
    }
    const end = this.#received + chunk.byteLength;
    if (end > this.#maxBytes) {
      this.#isOver = true;
      this.#receiver.onTooLarge("bytes");
      return;
    }
    const body = this.#roomFor(end, isLast);
    body.set(chunk, this.#received);
    this.#received = end;
    if (!isLast) return;
    this.#isOver = true;
    this.#receiver.onBody(body.byteLength === end ? body : body.subarray(0, end));
  }

  #isOneChunkTooMany(chunk: Uint8Array): boolean {
    if (this.#length >= 0 || chunk.byteLength === 0 || chunk.byteLength >= smallChunkBytes) return false;
    this.#smallChunkCount++;
    return this.#smallChunkCount > maxChunkCount;
  }

  #roomFor(end: number, isLast: boolean): Uint8Array {
    if (this.#body !== null && this.#body.byteLength >= end) return this.#body;
    const wanted = isLast
      ? end
      : Math.max(end, Math.min(this.#length, trustedLengthBytes), this.#received * 2);
    // Node's own pool makes small bodies nearly free; they are never transferred.
    const grown = bodyPool.take(wanted);
    if (this.#body !== null) {
      grown.set(this.#body.subarray(0, this.#received));
      bodyPool.give(this.#body);
    }
    this.#body = grown;
    return grown;
  }
}
