import type { Socket } from "node:net";
import { monotonicNowUs } from "../../clock.ts";
import { openClientSocket } from "../client-socket.ts";
import { authorityOf, type Target } from "../target.ts";
import { ChunkedBody } from "./chunked-body.ts";
import { type HttpResponseHead, parseHttpResponseHead } from "./http-response-head.ts";

/** A response that has come whole. */
export interface HttpReply {
  readonly head: HttpResponseHead;
  /** `null` when it was not to be kept and the status is 200. */
  readonly body: Buffer | null;
  readonly sendEndUs: number;
  readonly receiveStartUs: number;
  readonly endUs: number;
}

/** Sees the body of a good reply while it comes. @param bytes - Lent for the time of the call. */
export type OnBodyPart = (bytes: Buffer, head: HttpResponseHead) => void;

/** Told once per request: the reply, or why there is none. */
export type OnHttpReply = (reply: HttpReply | null, error: string | null) => void;

const headEnd = Buffer.from("\r\n\r\n");

/**
 * One connection that stays open, with one request at a time. It works on the socket itself: Node's own HTTP client costs
 * several times as much per request, which would make the generator the bottleneck of its measurements.
 */
export class HttpConnection {
  isOpen = false;
  readonly #target: Target;
  readonly #keepBody: boolean;
  readonly #onBodyPart: OnBodyPart | null;
  #socket: Socket | null = null;
  #onReply: OnHttpReply | null = null;
  #pending: Buffer | null = null;
  #head: HttpResponseHead | null = null;
  /** The head seen last, which servers repeat from response to response. */
  #lastHeadBytes: Buffer = Buffer.alloc(0);
  #lastHead: HttpResponseHead | null = null;
  #chunked: ChunkedBody | null = null;
  #parts: Buffer[] = [];
  #leftBytes = 0;
  #sendEndUs = 0;
  #receiveStartUs = 0;

  /** @param keepBody - Whether bodies of good replies are wanted; those of others always are. */
  constructor(target: Target, keepBody: boolean, onBodyPart: OnBodyPart | null = null) {
    this.#target = target;
    this.#onBodyPart = onBodyPart;
    this.#keepBody = keepBody;
  }

  /** Rejects with the reason when the server cannot be reached. */
  open(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#socket = openClientSocket(this.#target, [], {
        onOpen: () => {
          this.isOpen = true;
          resolve();
        },
        onBytes: (bytes) => this.#onData(bytes),
        onError: (error) => {
          this.#fail(error.message);
          reject(new Error(`Cannot connect to ${authorityOf(this.#target)}: ${error.message}`));
        },
        onClose: () => {
          this.isOpen = false;
          this.#fail("the server closed the connection");
        },
      });
    });
  }

  /** Sends a request. None may be outstanding. @param bytes - Head and body; not kept after the reply. */
  send(bytes: readonly Uint8Array[], onReply: OnHttpReply): void {
    const socket = this.#socket;
    if (socket === null || !this.isOpen) {
      onReply(null, "the connection is closed");
      return;
    }
    this.#onReply = onReply;
    this.#receiveStartUs = 0;
    this.#sendEndUs = 0;
    const [first] = bytes;
    if (bytes.length === 1 && first !== undefined) {
      this.#write(socket, first);
    } else {
      socket.cork();
      for (const part of bytes.slice(0, -1)) socket.write(part);
      const last = bytes.at(-1);
      if (last !== undefined) this.#write(socket, last);
      process.nextTick(() => socket.uncork());
    }
  }

  close(): void {
    this.#socket?.destroy();
  }

  #write(socket: Socket, bytes: Uint8Array): void {
    const isHandedOver = socket.write(bytes, () => {
      if (this.#sendEndUs === 0) this.#sendEndUs = monotonicNowUs();
    });
    // Most requests fit into the socket's buffer: the system has them when write returns.
    if (isHandedOver && socket.writableLength === 0) this.#sendEndUs = monotonicNowUs();
  }

  #onData(chunk: Buffer): void {
    if (this.#onReply === null) {
      this.#socket?.destroy(new Error("the server sent bytes that nobody asked for"));
      return;
    }
    if (this.#receiveStartUs === 0) this.#receiveStartUs = monotonicNowUs();
    try {
      this.#read(chunk);
    } catch (thrown) {
      this.#socket?.destroy();
      this.#fail(thrown instanceof Error ? thrown.message : String(thrown));
    }
  }

  #read(chunk: Buffer): void {
    let body = chunk;
    while (this.#head === null) {
      const bytes = this.#pending === null ? body : Buffer.concat([this.#pending, body]);
      const end = bytes.indexOf(headEnd);
      if (end < 0) {
        this.#pending = Buffer.from(bytes);
        return;
      }
      this.#pending = null;
      const head = this.#parseHead(bytes.subarray(0, end));
      body = bytes.subarray(end + headEnd.length);
      // 100 Continue and its like come before the response.
      if (head.status >= 200) this.#beginBody(head);
    }
    this.#readBody(this.#head, body);
  }

  #parseHead(bytes: Buffer): HttpResponseHead {
    if (this.#lastHead !== null && bytes.equals(this.#lastHeadBytes)) return this.#lastHead;
    this.#lastHead = parseHttpResponseHead(bytes.toString("latin1"));
    this.#lastHeadBytes = Buffer.from(bytes);
    return this.#lastHead;
  }

  #beginBody(head: HttpResponseHead): void {
    this.#head = head;
    if (head.isChunked) {
      const onBodyPart = head.status === 200 ? this.#onBodyPart : null;
      this.#chunked = new ChunkedBody(onBodyPart === null ? null : (bytes) => onBodyPart(bytes, head));
    } else if (head.contentLength !== null) {
      this.#leftBytes = head.contentLength;
    } else {
      throw new Error("the server's response has neither Content-Length nor chunks");
    }
  }

  #readBody(head: HttpResponseHead, bytes: Buffer): void {
    if (this.#chunked !== null) {
      const body = this.#chunked.push(bytes);
      if (body !== null) this.#finish(head, body);
      return;
    }
    if (bytes.length > this.#leftBytes) throw new Error("the server sent more than its Content-Length");
    this.#leftBytes -= bytes.length;
    if (head.status === 200) this.#onBodyPart?.(bytes, head);
    if (bytes.length > 0 && (this.#keepBody || head.status !== 200)) this.#parts.push(Buffer.from(bytes));
    if (this.#leftBytes === 0) this.#finish(head, Buffer.concat(this.#parts));
  }

  #finish(head: HttpResponseHead, body: Buffer): void {
    const endUs = monotonicNowUs();
    const onReply = this.#onReply;
    this.#onReply = null;
    this.#head = null;
    this.#chunked = null;
    this.#parts = [];
    if (head.isLast) {
      this.isOpen = false;
      this.#socket?.destroy();
    }
    const sendEndUs = this.#sendEndUs === 0 ? this.#receiveStartUs : this.#sendEndUs;
    onReply?.({ head, body, sendEndUs, receiveStartUs: this.#receiveStartUs, endUs }, null);
  }

  #fail(reason: string): void {
    const onReply = this.#onReply;
    this.#onReply = null;
    onReply?.(null, reason);
  }
}
