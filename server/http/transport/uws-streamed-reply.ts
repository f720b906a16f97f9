import type { HttpResponse } from "uWebSockets.js";
import type { StreamedReply } from "./http-exchange.ts";

/** What a streamed reply has to know of its exchange. */
export interface UwsStream {
  readonly contentType: string;
  /** Asked once, when the headers are written. */
  isLastOnConnection(): boolean;
  /** The client has gone, and µWS's response is dead. */
  isAborted(): boolean;
  /** @see HttpExchange.startReply */
  onDrained(): void;
  /** Ends µWS's response. Not called when the client has gone. */
  onEnd(): void;
}

/**
 * A reply in chunks over µWebSockets.js.
 *
 * @remarks
 * µWS keeps, without a limit, what the socket does not take. It tells of that late: a small write into an idle socket
 * always succeeds, and only the next one fails. It also says when the socket can be written to again, but not whether
 * all that it kept has left then. So the first byte of the next chunk is written alone, and the rest only when that byte
 * got through. µWS then never keeps more than a chunk, its own buffer of 16 KiB and a few bytes.
 */
export class UwsStreamedReply implements StreamedReply {
  readonly #response: HttpResponse;
  readonly #stream: UwsStream;
  #hasBegun = false;
  /** The caller was told to wait. */
  #isBlocked = false;
  /** µWS may still keep bytes of an earlier chunk. */
  #isUnsure = false;
  /** The rest of a chunk whose first byte did not get through. */
  #rest: Buffer | null = null;

  constructor(response: HttpResponse, stream: UwsStream) {
    this.#response = response;
    this.#stream = stream;
    if (!stream.isAborted()) response.onWritable(() => this.#onWritable());
  }

  write(chunk: Uint8Array): boolean {
    if (this.#stream.isAborted()) return true;
    if (this.#isBlocked) throw new Error("A chunk was written before the socket drained. This is a bug.");
    this.#isBlocked = !this.#take(chunk);
    return !this.#isBlocked;
  }

  end(): void {
    if (this.#stream.isAborted()) return;
    this.#response.cork(() => {
      this.#begin();
      this.#stream.onEnd();
    });
  }

  /** Returns whether all of it has left, as far as µWS tells. What has not is kept. */
  #take(chunk: Uint8Array): boolean {
    let rest = chunk;
    if (this.#isUnsure) {
      rest = chunk.subarray(1);
      if (!this.#write(chunk.subarray(0, 1))) {
        this.#rest = Buffer.from(rest);
        return false;
      }
      this.#isUnsure = false;
    }
    return rest.byteLength === 0 || this.#write(rest);
  }

  #write(bytes: Uint8Array): boolean {
    let isTaken = true;
    this.#response.cork(() => {
      this.#begin();
      isTaken = this.#response.write(bytes);
    });
    return isTaken;
  }

  #begin(): void {
    if (this.#hasBegun) return;
    this.#hasBegun = true;
    this.#response.writeHeader("Content-Type", this.#stream.contentType);
    if (this.#stream.isLastOnConnection()) this.#response.writeHeader("Connection", "close");
  }

  #onWritable(): boolean {
    // With a handler for this event µWS does not write what it keeps, except before something else.
    this.#response.cork(() => undefined);
    if (!this.#isBlocked) return true;
    this.#isUnsure = true;
    const rest = this.#rest;
    this.#rest = null;
    if (rest !== null && rest.byteLength > 0 && !this.#take(rest)) return true;
    this.#isBlocked = false;
    this.#stream.onDrained();
    return true;
  }
}
