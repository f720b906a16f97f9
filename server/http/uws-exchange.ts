import type { HttpRequest, HttpResponse } from "uWebSockets.js";
import type { BodyReceiver, Cancellable, HttpExchange } from "./exchange.ts";

/** Bodies up to this are allocated at once when their length is announced; larger ones grow as they arrive. */
const trustedLengthBytes = 16 * 1024 * 1024;

/** The request's Content-Length, or -1 when it has none. */
function announcedLength(header: string): number {
  return /^\d{1,15}$/.test(header) ? Number(header) : -1;
}

/** Hears when exchanges begin and end: the listener, which must know when it has drained. */
export interface ExchangeOwner {
  /** Connections are to be closed after the reply. */
  readonly isStopping: boolean;
  onExchangeBegun(): void;
  /** Called once, when the reply has been sent or the client has gone. */
  onExchangeEnded(): void;
}

/** Carries one exchange over µWebSockets.js. */
export class UwsExchange implements HttpExchange {
  readonly #response: HttpResponse;
  /** Dead as soon as the handler has returned. */
  #request: HttpRequest | null;
  #isAborted = false;
  #isReplied = false;
  readonly #owner: ExchangeOwner;
  /** The client is still sending a body that nobody wants. */
  #mustClose = false;
  #cancellable: Cancellable | null = null;

  constructor(response: HttpResponse, request: HttpRequest, owner: ExchangeOwner) {
    this.#response = response;
    this.#request = request;
    this.#owner = owner;
    owner.onExchangeBegun();
    response.onAborted(() => {
      this.#isAborted = true;
      if (this.#isReplied) return;
      owner.onExchangeEnded();
      this.#cancellable?.cancel();
    });
  }

  /** The handler has returned: the request must not be touched any more. */
  release(): void {
    this.#request = null;
  }

  header(lowerCaseName: string): string {
    if (this.#request === null) throw new Error("A header was read too late. This is a bug.");
    return this.#request.getHeader(lowerCaseName);
  }

  cancelWhenAborted(work: Cancellable): void {
    this.#cancellable = work;
    if (this.#isAborted) work.cancel();
  }

  readBody(maxBytes: number, receiver: BodyReceiver): void {
    const length = announcedLength(this.header("content-length"));
    if (length > maxBytes) {
      this.#mustClose = true;
      receiver.onTooLarge();
      return;
    }
    let body: Uint8Array | null = null;
    let received = 0;
    let isOver = false;
    this.#response.onData((chunk, isLast) => {
      // µWS may call once more after the reply has been sent.
      if (isOver) return;
      const end = received + chunk.byteLength;
      if (end > maxBytes) {
        isOver = true;
        this.#mustClose = true;
        receiver.onTooLarge();
        return;
      }
      if (body === null || body.byteLength < end) {
        const wanted = isLast ? end : Math.max(end, Math.min(length, trustedLengthBytes), received * 2);
        // The pool behind allocUnsafe makes small bodies nearly free; they are never transferred.
        const grown = Buffer.allocUnsafe(wanted);
        if (body !== null) grown.set(body.subarray(0, received));
        body = grown;
      }
      // The chunk's memory dies when this callback returns: this is the copy from the socket.
      body.set(new Uint8Array(chunk), received);
      received = end;
      if (!isLast) return;
      isOver = true;
      receiver.onBody(body.byteLength === received ? body : body.subarray(0, received));
    });
  }

  reply(statusLine: string, contentType: string, body: Uint8Array | string): void {
    this.#send(() => {
      if (statusLine !== "") this.#response.writeStatus(statusLine);
      if (contentType !== "") this.#response.writeHeader("Content-Type", contentType);
      this.#response.end(body, this.#mustClose || this.#owner.isStopping);
    });
  }

  replyBinaryTensors(headerBytes: number, body: Uint8Array): void {
    this.#send(() => {
      this.#response.writeHeader("Content-Type", "application/octet-stream");
      this.#response.writeHeader("Inference-Header-Content-Length", String(headerBytes));
      this.#response.end(body, this.#mustClose || this.#owner.isStopping);
    });
  }

  #send(write: () => void): void {
    if (this.#isReplied) throw new Error("Replied twice to one request. This is a bug.");
    this.#isReplied = true;
    if (this.#isAborted) return;
    this.#response.cork(write);
    this.#owner.onExchangeEnded();
  }
}
