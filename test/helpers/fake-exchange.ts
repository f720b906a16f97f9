import type { BodyReceiver, Cancellable, HttpExchange } from "../../server/http/transport/http-exchange.ts";

/** An HTTP exchange whose body arrives when the test says so, and which keeps the reply. */
export class FakeExchange implements HttpExchange {
  statusLine: string | null = null;
  body = "";
  cancellable: Cancellable | null = null;
  maxBytes = -1;
  readonly #headers: Readonly<Record<string, string>>;
  #receiver: BodyReceiver | null = null;

  constructor(headers: Readonly<Record<string, string>> = {}) {
    this.#headers = headers;
  }

  header(lowerCaseName: string): string {
    return this.#headers[lowerCaseName] ?? "";
  }

  readBody(maxBytes: number, receiver: BodyReceiver): void {
    this.maxBytes = maxBytes;
    this.#receiver = receiver;
  }

  cancelWhenAborted(work: Cancellable): void {
    this.cancellable = work;
  }

  reply(statusLine: string, _contentType: string, body: Uint8Array | string): void {
    if (this.statusLine !== null) throw new Error("replied twice");
    this.statusLine = statusLine === "" ? "200 OK" : statusLine;
    this.body = typeof body === "string" ? body : Buffer.from(body).toString();
  }

  replyBinaryTensors(_headerBytes: number, body: Uint8Array): void {
    this.reply("", "application/octet-stream", body);
  }

  /** The body arrives. */
  receive(body: string): void {
    if (this.#receiver === null) throw new Error("nobody reads the body");
    this.#receiver.onBody(Buffer.from(body));
  }

  /** The body turns out to be larger than the limit. */
  overflow(): void {
    if (this.#receiver === null) throw new Error("nobody reads the body");
    this.#receiver.onTooLarge();
  }
}
