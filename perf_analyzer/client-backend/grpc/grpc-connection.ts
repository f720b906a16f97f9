import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect,
  type OutgoingHttpHeaders,
} from "node:http2";
import { monotonicNowUs } from "../../clock.ts";
import { authorityOf, type Target } from "../target.ts";
import { connectionOptions } from "../tls-settings.ts";
import { GrpcCallStatus, describeGrpcStatus } from "./grpc-call-status.ts";
import { unframeMessage } from "./grpc-frame.ts";
import { GrpcStream, type GrpcStreamListener } from "./grpc-stream.ts";

/** How a unary call ended. */
export interface GrpcReply {
  /** gRPC's status; `null` when the call ended without one. */
  readonly status: number | null;
  /** Of a status other than OK, or why there is none. */
  readonly errorMessage: string;
  /** `null` when it was not to be kept, or the status is not OK. */
  readonly message: Uint8Array | null;
  readonly sendEndUs: number;
  readonly receiveStartUs: number;
  readonly endUs: number;
}

/** Window of a connection and of each call: 600 KB responses must not wait for updates of 64 KB. */
const windowBytes = 16 * 1024 * 1024;

/** One HTTP/2 connection for many calls at a time, straight on `node:http2`. */
export class GrpcConnection {
  readonly #target: Target;
  #session: ClientHttp2Session | null = null;
  /** Unary calls that are outstanding. */
  outstandingCount = 0;
  /** Why the connection ended; `null` while it is open. */
  #endReason: string | null = null;

  constructor(target: Target) {
    this.#target = target;
  }

  get isOpen(): boolean {
    return this.#session !== null && this.#endReason === null;
  }

  /** Rejects with the reason when the server cannot be reached. */
  open(): Promise<void> {
    const { tls } = this.#target;
    const authority = authorityOf(this.#target);
    return new Promise((resolve, reject) => {
      const session = connect(`${tls === null ? "http" : "https"}://${authority}`, {
        ...(tls === null ? {} : connectionOptions(tls)),
        settings: { enablePush: false, initialWindowSize: windowBytes },
      });
      this.#session = session;
      session.once("connect", () => {
        session.setLocalWindowSize(windowBytes);
        resolve();
      });
      session.on("error", (error: Error) => {
        this.#endReason ??= error.message;
        reject(new Error(`Cannot connect to ${authority}: ${error.message}`));
      });
      session.on("goaway", () => (this.#endReason ??= "the server is going away"));
      session.on("close", () => (this.#endReason ??= "the server closed the connection"));
    });
  }

  /**
   * Calls a method.
   *
   * @param headers - With `:path`; not changed.
   * @param frame - The message with its prefix.
   * @param onReply - Called exactly once, later.
   */
  call(
    headers: OutgoingHttpHeaders,
    frame: Uint8Array,
    keepMessage: boolean,
    onReply: (reply: GrpcReply) => void,
  ): void {
    const session = this.#session;
    if (session === null || session.closed || session.destroyed) {
      const reason = this.#endReason ?? "the connection is closed";
      setImmediate(() => onReply(failedReply(reason)));
      return;
    }
    this.outstandingCount++;
    const stream = session.request(headers);
    new UnaryCall(stream, keepMessage, (reply) => {
      this.outstandingCount--;
      onReply(
        reply.status === null && this.#endReason !== null
          ? { ...reply, errorMessage: this.#endReason }
          : reply,
      );
    }).send(frame);
  }

  /**
   * Opens a call with any number of messages both ways. The listener hears of its end exactly once, later.
   *
   * @param headers - With `:path`; not changed.
   * @returns `null` when the connection is closed, which the listener hears too.
   */
  openStream(headers: OutgoingHttpHeaders, listener: GrpcStreamListener): GrpcStream | null {
    const session = this.#session;
    if (session === null || session.closed || session.destroyed) {
      const reason = this.#endReason ?? "the connection is closed";
      setImmediate(() => listener.onEnd(reason));
      return null;
    }
    return new GrpcStream(session.request(headers), {
      onMessage: (message, atUs) => listener.onMessage(message, atUs),
      onEnd: (reason) => listener.onEnd(this.#endReason ?? reason),
    });
  }

  close(): void {
    this.#session?.destroy();
  }
}

/** The status of a call and what it is called. */
export function describeGrpcError({ status, errorMessage }: GrpcReply): string {
  return describeGrpcStatus(status, errorMessage);
}

function failedReply(errorMessage: string): GrpcReply {
  const nowUs = monotonicNowUs();
  return { status: null, errorMessage, message: null, sendEndUs: nowUs, receiveStartUs: nowUs, endUs: nowUs };
}

/** Follows one stream to its end. */
class UnaryCall {
  readonly #stream: ClientHttp2Stream;
  readonly #keepMessage: boolean;
  readonly #onReply: (reply: GrpcReply) => void;
  #parts: Buffer[] = [];
  readonly #status = new GrpcCallStatus();
  #sendEndUs = 0;
  #receiveStartUs = 0;
  #lastByteUs = 0;

  constructor(stream: ClientHttp2Stream, keepMessage: boolean, onReply: (reply: GrpcReply) => void) {
    this.#stream = stream;
    this.#keepMessage = keepMessage;
    this.#onReply = onReply;
    stream.on("response", (headers: Readonly<Record<string, unknown>>) => {
      this.#receiveStartUs = monotonicNowUs();
      this.#status.readHeaders(headers);
    });
    stream.on("trailers", (trailers: Readonly<Record<string, unknown>>) => {
      this.#lastByteUs = monotonicNowUs();
      this.#status.readTrailers(trailers);
    });
    stream.on("data", (chunk: Buffer) => {
      if (this.#keepMessage) this.#parts.push(chunk);
    });
    stream.on("error", (error: Error) => {
      if (this.#status.code === null) this.#status.fail(error.message);
    });
    stream.once("close", () => this.#finish());
  }

  send(frame: Uint8Array): void {
    this.#stream.end(frame, () => (this.#sendEndUs = monotonicNowUs()));
  }

  #finish(): void {
    const endUs = this.#lastByteUs === 0 ? monotonicNowUs() : this.#lastByteUs;
    const receiveStartUs = this.#receiveStartUs === 0 ? endUs : this.#receiveStartUs;
    let message: Buffer | null = null;
    if (this.#keepMessage && this.#status.code === 0) {
      try {
        message = unframeMessage(Buffer.concat(this.#parts), this.#status.encoding);
      } catch (thrown) {
        this.#status.fail(thrown instanceof Error ? thrown.message : String(thrown));
      }
    }
    this.#onReply({
      status: this.#status.code,
      errorMessage: this.#status.message,
      message,
      // The system may confirm the write after the response has come.
      sendEndUs: this.#sendEndUs === 0 ? receiveStartUs : Math.min(this.#sendEndUs, receiveStartUs),
      receiveStartUs,
      endUs,
    });
  }
}
