import type { StreamCall } from "../transport/grpc-transport.ts";

/** What one stream may have open before its client has to wait. */
export interface BacklogLimits {
  /** Unanswered requests and unwritten responses together. */
  readonly itemCount: number;
  /** Bytes of those. One item may have more: it is then the only one. */
  readonly byteCount: number;
}

/**
 * Enough to fill batches from one stream, and small beside a server's memory. Triton has no such limits: a client that
 * sends and does not read makes it grow.
 */
export const defaultBacklogLimits: BacklogLimits = { itemCount: 4_096, byteCount: 64 * 1024 * 1024 };

/**
 * Counts what a stream has taken in and not yet given out, and stops reading from its client while that is too much. The
 * transport's window then fills, and the client waits.
 */
export class StreamBacklog {
  readonly #call: StreamCall;
  readonly #limits: BacklogLimits;
  #itemCount = 0;
  #byteCount = 0;
  #isPaused = false;

  constructor(call: StreamCall, limits: BacklogLimits) {
    this.#call = call;
    this.#limits = limits;
  }

  /** A request has come, or a response has to be written. */
  add(byteCount: number): void {
    this.#itemCount++;
    this.#byteCount += byteCount;
    if (this.#isPaused) return;
    const { itemCount, byteCount: maxByteCount } = this.#limits;
    if (this.#itemCount < itemCount && this.#byteCount < maxByteCount) return;
    this.#isPaused = true;
    this.#call.pause();
  }

  /** The request has been answered, or the response is written. Reading goes on when half of the limits is free. */
  remove(byteCount: number): void {
    this.#itemCount--;
    this.#byteCount -= byteCount;
    if (!this.#isPaused) return;
    const { itemCount, byteCount: maxByteCount } = this.#limits;
    if (this.#itemCount > itemCount / 2 || this.#byteCount > maxByteCount / 2) return;
    this.#isPaused = false;
    this.#call.resume();
  }
}
