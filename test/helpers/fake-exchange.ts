import type {
  BodyLimit,
  BodyReceiver,
  Cancellable,
  HttpExchange,
  ReplyHeaders,
  StreamedReply,
} from "../../server/http/transport/http-exchange.ts";

/** An HTTP exchange whose body arrives when the test says so, and which keeps the reply. */
export class FakeExchange implements HttpExchange {
  statusLine: string | null = null;
  body = "";
  cancellable: Cancellable | null = null;
  maxBytes = -1;
  /** The body's bytes, for one that is no text. */
  bytes: Buffer = Buffer.of();
  /** Those of {@link replyWithHeaders}. */
  replyHeaders: Record<string, string> = {};
  readonly #replied: (() => void)[] = [];
  readonly #headers: Readonly<Record<string, string>>;
  #receiver: BodyReceiver | null = null;

  constructor(headers: Readonly<Record<string, string>> = {}) {
    this.#headers = headers;
  }

  header(lowerCaseName: string): string {
    return this.#headers[lowerCaseName] ?? "";
  }

  eachHeader(visit: (lowerCaseName: string, value: string) => void): void {
    for (const [name, value] of Object.entries(this.#headers)) visit(name, value);
  }

  readBody(maxBytes: number, receiver: BodyReceiver): void {
    this.maxBytes = maxBytes;
    this.#receiver = receiver;
  }

  cancelWhenAborted(work: Cancellable): void {
    this.cancellable = work;
  }

  reply(statusLine: string, contentType: string, body: Uint8Array | string): void {
    if (this.statusLine !== null) throw new Error("replied twice");
    this.statusLine = statusLine === "" ? "200 OK" : statusLine;
    this.contentType = contentType;
    this.bytes = Buffer.from(body);
    this.body = this.bytes.toString();
    for (const tell of this.#replied) tell();
  }

  replyWithHeaders(statusLine: string, headers: ReplyHeaders, body: Uint8Array | string): void {
    this.replyHeaders = Object.fromEntries(headers);
    this.reply(statusLine, "", body);
  }

  /** Resolves when the reply is there. */
  replied(): Promise<void> {
    return new Promise((resolve) => {
      if (this.statusLine !== null) resolve();
      else this.#replied.push(resolve);
    });
  }

  /** The socket takes no more until {@link drain}. */
  isFull = false;
  /** Chunks of a streamed reply. */
  readonly chunks: string[] = [];
  hasEnded = false;
  contentType = "";
  #onDrained: () => void = () => undefined;

  startReply(contentType: string, onDrained: () => void): StreamedReply {
    if (this.statusLine !== null) throw new Error("replied twice");
    this.statusLine = "200 OK";
    this.contentType = contentType;
    this.#onDrained = onDrained;
    return {
      write: (chunk) => {
        this.chunks.push(Buffer.from(chunk).toString());
        return !this.isFull;
      },
      end: () => {
        if (this.hasEnded) throw new Error("ended twice");
        this.hasEnded = true;
        for (const tell of this.#replied) tell();
      },
    };
  }

  /** The socket takes chunks again. @param how - With `staysFull` it takes one. */
  drain(how: { readonly staysFull: boolean } = { staysFull: false }): void {
    this.isFull = how.staysFull;
    this.#onDrained();
  }

  replyBinaryTensors(_headerBytes: number, body: Uint8Array): void {
    this.reply("", "application/octet-stream", body);
  }

  /** Of a reply from others' memory, until the test has called it: its bytes are being read. */
  release: (() => void) | null = null;

  replyLargeTensors(json: Uint8Array, tensors: readonly Uint8Array[], onRelease: () => void): void {
    this.reply("", "application/octet-stream", Buffer.concat([json, ...tensors]));
    this.release = onRelease;
  }

  /** More than the limit arrives. */
  exceed(limit: BodyLimit): void {
    this.#receiver?.onTooLarge(limit);
  }

  /** The body arrives. */
  receive(body: string | Uint8Array): void {
    if (this.#receiver === null) throw new Error("nobody reads the body");
    this.#receiver.onBody(Buffer.from(body));
  }
}
