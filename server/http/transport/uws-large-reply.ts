import type { HttpResponse } from "uWebSockets.js";

/**
 * A reply whose length is known, written from the memory where its bytes are, as the socket takes them.
 *
 * @remarks µWS's `end` copies what the socket does not take at once; its `tryEnd` leaves that to the caller, who has to keep
 * the bytes until then.
 */
export class UwsLargeReply {
  readonly #response: HttpResponse;
  readonly #parts: readonly Uint8Array[];
  readonly #onSent: () => void;
  readonly #byteCount: number;

  /**
   * @param parts - Not changed by anybody until `onSent`, or until the client has gone.
   * @param onSent - All bytes have been handed to the socket: µWS's response is dead.
   */
  constructor(response: HttpResponse, parts: readonly Uint8Array[], onSent: () => void) {
    this.#response = response;
    this.#parts = parts.filter((part) => part.byteLength > 0);
    this.#onSent = onSent;
    this.#byteCount = parts.reduce((sum, part) => sum + part.byteLength, 0);
  }

  /** Writes what the socket takes, and the rest whenever it takes more. Within a cork, behind the headers. */
  begin(): void {
    if (this.#write(0)) return;
    this.#response.onWritable((offset) => this.#write(offset));
  }

  /** Returns whether all is written up to where the socket is full or the reply ends. @param offset - Written already. */
  #write(offset: number): boolean {
    let partStart = 0;
    for (const part of this.#parts) {
      const from = Math.max(0, offset - partStart);
      partStart += part.byteLength;
      if (from >= part.byteLength) continue;
      const [isTaken, hasEnded] = this.#response.tryEnd(
        from === 0 ? part : part.subarray(from),
        this.#byteCount,
      );
      if (hasEnded) {
        this.#onSent();
        return true;
      }
      if (!isTaken) return false;
    }
    return true;
  }
}
