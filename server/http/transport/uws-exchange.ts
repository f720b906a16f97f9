import type { HttpRequest, HttpResponse } from "uWebSockets.js";
import { parseDecimal } from "../../core/decimal.ts";
import { BodyCollector } from "./body-collector.ts";
import { bodyPool } from "./body-pool.ts";
import type { ExchangeLedger } from "./exchange-ledger.ts";
import type {
  BodyReceiver,
  Cancellable,
  HttpExchange,
  ReplyHeaders,
  StreamedReply,
} from "./http-exchange.ts";
import { UwsLargeReply } from "./uws-large-reply.ts";
import { UwsStreamedReply } from "./uws-streamed-reply.ts";

/** Carries one exchange over µWebSockets.js. */
export class UwsExchange implements HttpExchange {
  readonly #response: HttpResponse;
  readonly #ledger: ExchangeLedger;
  /** A reply to HEAD has no body: the client takes the bytes behind its headers for the next reply. */
  readonly #isHead: boolean;
  /** Dead as soon as the handler has returned. */
  #request: HttpRequest | null;
  #isAborted = false;
  /** A reply has begun. */
  #isReplied = false;
  /** It is complete: the ledger has been told. */
  #isOver = false;
  /** Until it is, a reply leaves the client sending a body that nobody wants: the connection must close. */
  #isBodyComplete = false;
  #hasBody = false;
  #cancellable: Cancellable | null = null;
  /** Of a reply that is being written from memory of others: the client has gone. */
  #onGone: (() => void) | null = null;

  /** @param method - In lower case. */
  constructor(response: HttpResponse, request: HttpRequest, method: string, ledger: ExchangeLedger) {
    this.#response = response;
    this.#isHead = method === "head";
    this.#request = request;
    this.#ledger = ledger;
    ledger.begin();
    response.onAborted(() => {
      this.#isAborted = true;
      if (this.#isOver) return;
      ledger.end();
      this.#onGone?.();
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

  eachHeader(visit: (lowerCaseName: string, value: string) => void): void {
    if (this.#request === null) throw new Error("Headers were read too late. This is a bug.");
    this.#request.forEach(visit);
  }

  cancelWhenAborted(work: Cancellable): void {
    this.#cancellable = work;
    if (this.#isAborted) work.cancel();
  }

  readBody(maxBytes: number, receiver: BodyReceiver): void {
    this.#hasBody = true;
    const length = parseDecimal(this.header("content-length"));
    if (length > maxBytes) {
      receiver.onTooLarge("bytes");
      return;
    }
    let collector: BodyCollector | null = null;
    this.#response.onData((chunk, isLast) => {
      // µWS may call once more after the last chunk, when the reply has been sent.
      if (this.#isBodyComplete) return;
      this.#isBodyComplete = isLast;
      // Most bodies come whole. The chunk's memory dies when this callback returns: here is the copy from the socket.
      if (collector === null && isLast && chunk.byteLength <= maxBytes) {
        const body = bodyPool.take(chunk.byteLength);
        body.set(new Uint8Array(chunk));
        receiver.onBody(body);
        return;
      }
      collector ??= new BodyCollector(length, maxBytes, receiver);
      collector.add(new Uint8Array(chunk), isLast);
    });
  }

  reply(statusLine: string, contentType: string, body: Uint8Array | string): void {
    this.#send(() => {
      if (statusLine !== "") this.#response.writeStatus(statusLine);
      if (contentType !== "") this.#response.writeHeader("Content-Type", contentType);
      this.#end(body);
    });
  }

  replyWithHeaders(statusLine: string, headers: ReplyHeaders, body: Uint8Array | string): void {
    this.#send(() => {
      if (statusLine !== "") this.#response.writeStatus(statusLine);
      for (const [name, value] of headers) this.#response.writeHeader(name, value);
      this.#end(body);
    });
  }

  replyBinaryTensors(headerBytes: number, body: Uint8Array): void {
    this.#send(() => {
      this.#response.writeHeader("Content-Type", "application/octet-stream");
      this.#response.writeHeader("Inference-Header-Content-Length", String(headerBytes));
      this.#end(body);
    });
  }

  replyLargeTensors(json: Uint8Array, tensors: readonly Uint8Array[], onRelease: () => void): void {
    if (this.#isLastOnConnection()) {
      // Only µWS's `end` closes the connection.
      this.replyBinaryTensors(json.byteLength, Buffer.concat([json, ...tensors]));
      return onRelease();
    }
    this.#begin();
    if (this.#isAborted) return onRelease();
    this.#onGone = onRelease;
    const response = this.#response;
    response.cork(() => {
      response.writeHeader("Content-Type", "application/octet-stream");
      response.writeHeader("Inference-Header-Content-Length", String(json.byteLength));
      new UwsLargeReply(response, [Buffer.from(json), ...tensors], () => {
        this.#isOver = true;
        this.#onGone = null;
        this.#ledger.end();
        onRelease();
      }).begin();
    });
  }

  startReply(contentType: string, onDrained: () => void): StreamedReply {
    this.#begin();
    return new UwsStreamedReply(this.#response, {
      contentType,
      isLastOnConnection: () => this.#isLastOnConnection(),
      isAborted: () => this.#isAborted,
      onDrained,
      onEnd: () => {
        this.#isOver = true;
        // Told to close the connection, µWS would write a header into the chunks.
        this.#response.end("");
        this.#ledger.end();
      },
    });
  }

  #end(body: Uint8Array | string): void {
    // µWS's endWithoutBody would tell the length that the body has, but leaves the connection unusable.
    this.#response.end(this.#isHead ? "" : body, this.#isLastOnConnection());
  }

  #isLastOnConnection(): boolean {
    return this.#ledger.isDraining || (this.#hasBody && !this.#isBodyComplete);
  }

  #send(write: () => void): void {
    this.#begin();
    if (this.#isAborted) return;
    this.#isOver = true;
    this.#response.cork(write);
    this.#ledger.end();
  }

  #begin(): void {
    if (this.#isReplied) throw new Error("Replied twice to one request. This is a bug.");
    this.#isReplied = true;
  }
}
