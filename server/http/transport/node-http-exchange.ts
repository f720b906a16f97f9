import type { IncomingMessage, ServerResponse } from "node:http";
import { parseDecimal } from "../../core/decimal.ts";
import { BodyCollector } from "./body-collector.ts";
import type { ExchangeLedger } from "./exchange-ledger.ts";
import type {
  BodyReceiver,
  Cancellable,
  HttpExchange,
  ReplyHeaders,
  StreamedReply,
} from "./http-exchange.ts";

const nothing = new Uint8Array(0);

/** Carries one exchange over node:http. */
export class NodeHttpExchange implements HttpExchange {
  readonly #request: IncomingMessage;
  readonly #response: ServerResponse;
  readonly #ledger: ExchangeLedger;
  #isAborted = false;
  /** A reply has begun. */
  #isReplied = false;
  /** It is complete: the ledger has been told. */
  #isOver = false;
  #hasBody = false;
  #cancellable: Cancellable | null = null;

  constructor(request: IncomingMessage, response: ServerResponse, ledger: ExchangeLedger) {
    this.#request = request;
    this.#response = response;
    this.#ledger = ledger;
    ledger.begin();
    // Comes after every exchange; before the end of the reply it means that the client has gone.
    response.once("close", () => {
      if (this.#isOver) return;
      this.#isAborted = true;
      ledger.end();
      this.#cancellable?.cancel();
    });
  }

  header(lowerCaseName: string): string {
    const value = this.#request.headers[lowerCaseName];
    return typeof value === "string" ? value : (value?.join(", ") ?? "");
  }

  eachHeader(visit: (lowerCaseName: string, value: string) => void): void {
    const { rawHeaders } = this.#request;
    for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
      visit((rawHeaders[i] ?? "").toLowerCase(), rawHeaders[i + 1] ?? "");
    }
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
    const collector = new BodyCollector(length, maxBytes, receiver);
    this.#request.on("data", (chunk: Buffer) => collector.add(chunk, false));
    this.#request.once("end", () => collector.add(nothing, true));
  }

  reply(statusLine: string, contentType: string, body: Uint8Array | string): void {
    this.#send(statusLine, contentType, body);
  }

  replyWithHeaders(statusLine: string, headers: ReplyHeaders, body: Uint8Array | string): void {
    for (const [name, value] of headers) this.#response.setHeader(name, value);
    this.#send(statusLine, "", body);
  }

  replyBinaryTensors(headerBytes: number, body: Uint8Array): void {
    this.#response.setHeader("Inference-Header-Content-Length", headerBytes);
    this.#send("", "application/octet-stream", body);
  }

  replyLargeTensors(json: Uint8Array, tensors: readonly Uint8Array[], onRelease: () => void): void {
    this.#begin();
    if (this.#isAborted) return onRelease();
    this.#isOver = true;
    const response = this.#response;
    const byteCount = tensors.reduce((sum, tensor) => sum + tensor.byteLength, json.byteLength);
    response.setHeader("Content-Type", "application/octet-stream");
    response.setHeader("Inference-Header-Content-Length", json.byteLength);
    response.setHeader("Content-Length", byteCount);
    if (this.#isLastOnConnection()) response.setHeader("Connection", "close");
    // Comes after the last byte was written, and also when the client goes before.
    response.once("close", onRelease);
    response.write(Buffer.from(json));
    for (const tensor of tensors) response.write(tensor);
    response.end();
    this.#ledger.end();
  }

  startReply(contentType: string, onDrained: () => void): StreamedReply {
    this.#begin();
    const response = this.#response;
    if (!this.#isAborted) {
      response.setHeader("Content-Type", contentType);
      if (this.#ledger.isDraining) response.setHeader("Connection", "close");
      response.on("drain", onDrained);
    }
    return {
      // node:http keeps what the socket does not take at once.
      write: (chunk) => this.#isAborted || response.write(Buffer.from(chunk)),
      end: () => this.#endStream(),
    };
  }

  #endStream(): void {
    if (this.#isAborted) return;
    this.#isOver = true;
    this.#response.end();
    this.#ledger.end();
  }

  #isLastOnConnection(): boolean {
    return this.#ledger.isDraining || (this.#hasBody && !this.#request.complete);
  }

  #begin(): void {
    if (this.#isReplied) throw new Error("Replied twice to one request. This is a bug.");
    this.#isReplied = true;
  }

  #send(statusLine: string, contentType: string, body: Uint8Array | string): void {
    this.#begin();
    if (this.#isAborted) return;
    this.#isOver = true;
    const response = this.#response;
    if (statusLine !== "") response.statusCode = Number.parseInt(statusLine, 10);
    if (contentType !== "") response.setHeader("Content-Type", contentType);
    response.setHeader(
      "Content-Length",
      typeof body === "string" ? Buffer.byteLength(body) : body.byteLength,
    );
    if (this.#isLastOnConnection()) response.setHeader("Connection", "close");
    // The body may be a view on memory that is used again when this returns, and node:http keeps what the socket does
    // not take at once.
    response.end(typeof body === "string" ? body : Buffer.from(body));
    this.#ledger.end();
  }
}
