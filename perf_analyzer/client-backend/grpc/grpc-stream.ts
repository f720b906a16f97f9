import type { ClientHttp2Stream } from "node:http2";
import { monotonicNowUs } from "../../clock.ts";
import { describeGrpcStatus, GrpcCallStatus } from "./grpc-call-status.ts";
import { MessageSplitter } from "./grpc-frame.ts";

/** Hears what comes on a stream. */
export interface GrpcStreamListener {
  /** A message, without its prefix. A view of what was received. */
  onMessage(message: Buffer, atUs: number): void;
  /** Nothing more comes, for this reason. Called exactly once, also for an end that was asked for. */
  onEnd(reason: string): void;
}

/** One call with messages both ways, on an HTTP/2 stream. */
export class GrpcStream {
  readonly #stream: ClientHttp2Stream;
  readonly #listener: GrpcStreamListener;
  readonly #status = new GrpcCallStatus();
  readonly #splitter = new MessageSplitter();

  constructor(stream: ClientHttp2Stream, listener: GrpcStreamListener) {
    this.#stream = stream;
    this.#listener = listener;
    stream.on("response", (headers: Readonly<Record<string, unknown>>) => this.#status.readHeaders(headers));
    stream.on("trailers", (trailers: Readonly<Record<string, unknown>>) =>
      this.#status.readTrailers(trailers),
    );
    stream.on("data", (chunk: Buffer) => this.#read(chunk));
    stream.on("error", (error: Error) => {
      if (this.#status.code === null) this.#status.fail(error.message);
    });
    // The server has said all; without this the call would stay open in the other direction.
    stream.once("end", () => stream.close());
    stream.once("close", () => listener.onEnd(this.#describeEnd()));
  }

  /**
   * Sends a message.
   *
   * @param frame - The message with its prefix, in parts; the caller must not change them any more.
   * @param onSent - Called when its last byte was handed to the system, or never when the stream ends before.
   */
  send(frame: readonly Uint8Array[], onSent: () => void): void {
    this.#stream.cork();
    frame.forEach((part, i) => {
      if (i === frame.length - 1) this.#stream.write(part, onSent);
      else this.#stream.write(part);
    });
    this.#stream.uncork();
  }

  #read(chunk: Buffer): void {
    const atUs = monotonicNowUs();
    let messages: Buffer[];
    try {
      messages = this.#splitter.push(chunk, this.#status.encoding);
    } catch (thrown) {
      this.#status.fail(thrown instanceof Error ? thrown.message : String(thrown));
      this.#stream.destroy();
      return;
    }
    for (const message of messages) this.#listener.onMessage(message, atUs);
  }

  #describeEnd(): string {
    const { code, message } = this.#status;
    return code === 0 ? "the server ended the stream" : describeGrpcStatus(code, message);
  }
}
