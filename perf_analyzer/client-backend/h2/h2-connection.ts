import type { Socket } from "node:net";
import { TLSSocket } from "node:tls";
import { monotonicNowUs } from "../../clock.ts";
import { openClientSocket } from "../client-socket.ts";
import { authorityOf, type Target } from "../target.ts";
import {
  cancelCode,
  clientPreface,
  encodeFrame,
  frameFlag,
  frameType,
  h2ErrorNames,
  setting,
  settingsPayload,
  wordPayload,
} from "./codec/h2-frame.ts";
import { H2FrameReader, type ReceivedFrame } from "./codec/h2-frame-reader.ts";
import type { RepeatedHeaderBlock } from "./codec/repeated-header-block.ts";
import { H2Output } from "./h2-output.ts";
import { PeerSettings } from "./h2-settings.ts";
import { H2Stream, type H2StreamSink } from "./h2-stream.ts";

/** Window of the connection and of each stream: 600 KB responses must not wait for updates of 64 KB. */
const windowBytes = 16 * 1024 * 1024;
/** Before anybody says otherwise. */
const defaultWindowBytes = 65_535;
/** What frames the server may send: the smallest that HTTP/2 allows. */
const maxReceivedFrameBytes = 16_384;
const lastStreamId = 0x7fff_ffff;
/** "The table has 0 bytes from now on", in a header block. */
const noTable = Buffer.from([0x20]);

/** A request that waits for others to end, because the server allows no more at a time. */
interface WaitingRequest {
  readonly body: Uint8Array;
  readonly sink: H2StreamSink;
}

/**
 * An HTTP/2 connection for many requests with the same headers. It makes and reads frames itself: `node:http2` costs
 * several times as much per request, which would make the generator the bottleneck of its measurements (bench
 * "perf-grpc").
 *
 * @see RFC 9113
 */
export class H2Connection {
  readonly #target: Target;
  readonly #headers: RepeatedHeaderBlock;
  readonly #settings = new PeerSettings();
  readonly #streams = new Map<number, H2Stream>();
  readonly #reader = new H2FrameReader(maxReceivedFrameBytes, (frame) => this.#onFrame(frame));
  #waiting: WaitingRequest[] = [];
  #blocked: H2Stream[] = [];
  /** Whose requests lie in the output. */
  #unsent: H2StreamSink[] = [];
  #socket: Socket | null = null;
  #output: H2Output | null = null;
  #nextStreamId = 1;
  #sendWindowBytes = defaultWindowBytes;
  #receivedBytes = 0;
  /** A header block whose CONTINUATION has not come. */
  #partialBlock: { readonly streamId: number; readonly isLast: boolean; bytes: Buffer } | null = null;
  #usesTable = false;
  /** Must come before the next header block: the server took its table away. */
  #tableUpdate: Buffer | null = null;
  #isReading = false;
  #isFlushScheduled = false;
  #endReason: string | null = null;
  #onSettings: (() => void) | null = null;
  #onOpenFailure: ((error: Error) => void) | null = null;
  readonly #flushScheduled = (): void => {
    this.#isFlushScheduled = false;
    this.#flush();
  };

  constructor(target: Target, headers: RepeatedHeaderBlock) {
    this.#target = target;
    this.#headers = headers;
  }

  get isOpen(): boolean {
    return this.#output !== null && this.#endReason === null;
  }

  /** Requests without a response. */
  get outstandingCount(): number {
    return this.#streams.size + this.#waiting.length;
  }

  /** Resolves when the server has said what it allows. Rejects with the reason when it cannot be reached. */
  open(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#onSettings = resolve;
      this.#onOpenFailure = reject;
      const socket = openClientSocket(this.#target, ["h2"], {
        onOpen: () => this.#begin(socket),
        onBytes: (bytes) => this.#onBytes(bytes),
        onError: (error) => this.#end(error.message),
        onClose: () => this.#end("the server closed the connection"),
      });
      this.#socket = socket;
    });
  }

  /**
   * Sends a request.
   *
   * @param body - Not changed by anybody until it is sent.
   */
  request(body: Uint8Array, sink: H2StreamSink): void {
    const reason = this.#endReason;
    if (reason !== null) {
      process.nextTick(() => sink.onFailure(reason));
      return;
    }
    if (this.#streams.size >= this.#settings.maxConcurrentStreams) this.#waiting.push({ body, sink });
    else this.#start(body, sink);
    this.#scheduleFlush();
  }

  close(): void {
    this.#socket?.destroy();
  }

  #begin(socket: Socket): void {
    if (this.#target.tls !== null && !(socket instanceof TLSSocket && socket.alpnProtocol === "h2")) {
      socket.destroy();
      this.#end("the server does not offer HTTP/2 over TLS");
      return;
    }
    const output = new H2Output(socket);
    this.#output = output;
    output.bytes(Buffer.from(clientPreface, "latin1"));
    const wanted = settingsPayload([
      [setting.headerTableSize, 0],
      [setting.enablePush, 0],
      [setting.initialWindowSize, windowBytes],
    ]);
    output.frame(frameType.settings, 0, 0, wanted);
    output.frame(frameType.windowUpdate, 0, 0, wordPayload(windowBytes - defaultWindowBytes));
    output.flush();
  }

  #start(body: Uint8Array, sink: H2StreamSink): void {
    const output = this.#output;
    if (output === null || this.#nextStreamId > lastStreamId) {
      const reason =
        output === null ? "the connection is not open" : "the connection has no more stream numbers";
      process.nextTick(() => sink.onFailure(reason));
      return;
    }
    const stream = new H2Stream(this.#nextStreamId, sink, this.#settings.initialWindowBytes);
    this.#nextStreamId += 2;
    this.#streams.set(stream.id, stream);
    output.frame(frameType.headers, frameFlag.endHeaders, stream.id, this.#headerBlock());
    stream.unsent = body;
    this.#sendBody(output, stream);
  }

  #headerBlock(): Buffer {
    const { plain, first, repeated, tableBytes } = this.#headers;
    if (this.#usesTable) return repeated;
    if (this.#tableUpdate !== null) {
      const block = Buffer.concat([this.#tableUpdate, plain]);
      this.#tableUpdate = null;
      return block;
    }
    if (this.#settings.headerTableBytes < tableBytes) return plain;
    this.#usesTable = true;
    return first;
  }

  /** As much of the body as the windows allow. */
  #sendBody(output: H2Output, stream: H2Stream): void {
    let rest = stream.unsent;
    while (rest !== null) {
      const window = Math.min(this.#sendWindowBytes, stream.sendWindowBytes);
      const length = Math.min(rest.length, window, this.#settings.maxFrameBytes);
      if (length <= 0 && rest.length > 0) {
        if (!this.#blocked.includes(stream)) this.#blocked.push(stream);
        stream.unsent = rest;
        return;
      }
      const isLast = length === rest.length;
      const part = isLast ? rest : rest.subarray(0, length);
      output.frame(frameType.data, isLast ? frameFlag.endStream : 0, stream.id, part);
      this.#sendWindowBytes -= length;
      stream.sendWindowBytes -= length;
      rest = isLast ? null : rest.subarray(length);
    }
    stream.unsent = null;
    this.#unsent.push(stream.sink);
  }

  #sendBlocked(): void {
    const output = this.#output;
    if (output === null || this.#blocked.length === 0) return;
    for (const stream of this.#blocked.splice(0)) {
      if (this.#streams.has(stream.id)) this.#sendBody(output, stream);
    }
  }

  #scheduleFlush(): void {
    if (this.#isReading || this.#isFlushScheduled) return;
    this.#isFlushScheduled = true;
    process.nextTick(this.#flushScheduled);
  }

  #flush(): void {
    this.#output?.flush();
    if (this.#unsent.length === 0) return;
    const nowUs = monotonicNowUs();
    for (const sink of this.#unsent) sink.onSent(nowUs);
    this.#unsent.length = 0;
  }

  #onBytes(bytes: Buffer): void {
    this.#isReading = true;
    try {
      this.#reader.push(bytes);
    } catch (thrown) {
      this.#end(thrown instanceof Error ? thrown.message : String(thrown));
      this.#socket?.destroy();
    }
    this.#isReading = false;
    // Also what the responses were followed by: one write for all.
    this.#flush();
  }

  #onFrame(frame: ReceivedFrame): void {
    const { type, payload } = frame;
    if (this.#partialBlock !== null && type !== frameType.continuation) {
      throw new Error("the server sent a header block with something in between");
    }
    switch (type) {
      case frameType.data:
        this.#onData(frame);
        break;
      case frameType.headers:
        this.#onHeaders(frame);
        break;
      case frameType.continuation:
        this.#onContinuation(frame);
        break;
      case frameType.resetStream:
        this.#fail(frame.streamId, `the server reset the stream: ${errorName(payload.readUInt32BE(0))}`);
        break;
      case frameType.settings:
        if ((frame.flags & frameFlag.ack) === 0) this.#onPeerSettings(payload);
        break;
      case frameType.ping:
        if ((frame.flags & frameFlag.ack) === 0)
          this.#output?.frame(frameType.ping, frameFlag.ack, 0, payload);
        break;
      case frameType.goAway:
        this.#onGoAway(payload);
        break;
      case frameType.windowUpdate:
        this.#onWindowUpdate(frame);
        break;
      case frameType.pushPromise:
        throw new Error("the server pushes, which it was told not to do");
      default:
        // Kinds that nobody knows are to be ignored.
        break;
    }
  }

  #onData(frame: ReceivedFrame): void {
    const { streamId, flags, payload } = frame;
    this.#receivedBytes += payload.length;
    if (this.#receivedBytes > windowBytes / 2) {
      this.#output?.frame(frameType.windowUpdate, 0, 0, wordPayload(this.#receivedBytes));
      this.#receivedBytes = 0;
    }
    const stream = this.#streams.get(streamId);
    if (stream === undefined) return;
    stream.sink.onData(withoutPadding(frame, 0));
    if ((flags & frameFlag.endStream) !== 0) {
      this.#finish(stream);
      return;
    }
    stream.receivedBytes += payload.length;
    if (stream.receivedBytes > windowBytes / 2) {
      this.#output?.frame(frameType.windowUpdate, 0, streamId, wordPayload(stream.receivedBytes));
      stream.receivedBytes = 0;
    }
  }

  #onHeaders(frame: ReceivedFrame): void {
    const block = withoutPadding(frame, (frame.flags & frameFlag.priority) === 0 ? 0 : 5);
    const isLast = (frame.flags & frameFlag.endStream) !== 0;
    if ((frame.flags & frameFlag.endHeaders) === 0) {
      this.#partialBlock = { streamId: frame.streamId, isLast, bytes: Buffer.from(block) };
    } else {
      this.#onBlock(frame.streamId, block, isLast);
    }
  }

  #onContinuation({ streamId, flags, payload }: ReceivedFrame): void {
    const partial = this.#partialBlock;
    if (partial?.streamId !== streamId) throw new Error("the server continues headers that it did not begin");
    partial.bytes = Buffer.concat([partial.bytes, payload]);
    if ((flags & frameFlag.endHeaders) === 0) return;
    this.#partialBlock = null;
    this.#onBlock(streamId, partial.bytes, partial.isLast);
  }

  #onBlock(streamId: number, block: Buffer, isLast: boolean): void {
    const stream = this.#streams.get(streamId);
    if (stream === undefined) return;
    stream.sink.onHeaders(block);
    if (isLast) this.#finish(stream);
  }

  #finish(stream: H2Stream): void {
    this.#streams.delete(stream.id);
    // The server does not want the rest of the request.
    if (stream.unsent !== null) {
      this.#output?.frame(frameType.resetStream, 0, stream.id, wordPayload(cancelCode));
    }
    stream.sink.onEnd();
    this.#startWaiting();
  }

  #fail(streamId: number, reason: string): void {
    const stream = this.#streams.get(streamId);
    if (stream === undefined) return;
    this.#streams.delete(streamId);
    stream.sink.onFailure(reason);
    this.#startWaiting();
  }

  #startWaiting(): void {
    while (this.#waiting.length > 0 && this.#streams.size < this.#settings.maxConcurrentStreams) {
      const next = this.#waiting.shift();
      if (next !== undefined) this.#start(next.body, next.sink);
    }
  }

  #onPeerSettings(payload: Buffer): void {
    const settings = this.#settings;
    const windowBefore = settings.initialWindowBytes;
    const tableBefore = settings.headerTableBytes;
    settings.apply(payload);
    for (const stream of this.#streams.values()) {
      stream.sendWindowBytes += settings.initialWindowBytes - windowBefore;
    }
    if (settings.headerTableBytes < tableBefore) {
      // A smaller table has to be acknowledged in the next header block. It could be used still; few servers have one.
      this.#usesTable = false;
      settings.headerTableBytes = 0;
      this.#tableUpdate = noTable;
    }
    this.#output?.bytes(encodeFrame(frameType.settings, frameFlag.ack, 0, new Uint8Array(0)));
    this.#onOpenFailure = null;
    this.#onSettings?.();
    this.#onSettings = null;
    this.#sendBlocked();
    this.#startWaiting();
  }

  #onWindowUpdate({ streamId, payload }: ReceivedFrame): void {
    const increment = payload.readUInt32BE(0) & 0x7fff_ffff;
    if (streamId === 0) {
      this.#sendWindowBytes += increment;
    } else {
      const stream = this.#streams.get(streamId);
      if (stream !== undefined) stream.sendWindowBytes += increment;
    }
    this.#sendBlocked();
  }

  /** Requests that the server has begun with are answered; the others, and new ones, fail. */
  #onGoAway(payload: Buffer): void {
    const lastId = payload.readUInt32BE(0) & 0x7fff_ffff;
    const code = payload.readUInt32BE(4);
    const reason = `the server is going away${code === 0 ? "" : `: ${errorName(code)}`}`;
    this.#endReason ??= reason;
    for (const id of [...this.#streams.keys()]) if (id > lastId) this.#fail(id, reason);
    for (const { sink } of this.#waiting.splice(0)) sink.onFailure(reason);
  }

  #end(reason: string): void {
    this.#endReason ??= reason;
    const why = this.#endReason;
    this.#onOpenFailure?.(new Error(`Cannot connect to ${authorityOf(this.#target)}: ${why}`));
    this.#onOpenFailure = null;
    const streams = [...this.#streams.values()];
    this.#streams.clear();
    this.#blocked = [];
    for (const { sink } of streams) sink.onFailure(why);
    for (const { sink } of this.#waiting.splice(0)) sink.onFailure(why);
  }
}

/** @param skipped - Bytes of a priority before the rest. */
function withoutPadding({ flags, payload }: ReceivedFrame, skipped: number): Buffer {
  const isPadded = (flags & frameFlag.padded) !== 0;
  const paddingBytes = isPadded ? (payload[0] ?? 0) : 0;
  const start = skipped + (isPadded ? 1 : 0);
  if (start + paddingBytes > payload.length)
    throw new Error("the server sent more padding than the frame has");
  return start === 0 ? payload : payload.subarray(start, payload.length - paddingBytes);
}

function errorName(code: number): string {
  return h2ErrorNames[code] ?? `error ${code}`;
}
