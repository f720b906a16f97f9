/** What becomes of a request. Exactly one of `onEnd` and `onFailure` is called, once and later. */
export interface H2StreamSink {
  /** The request was handed to the system. */
  onSent(nowUs: number): void;
  /** @param block - Headers or trailers, compressed. Lent for the time of the call. */
  onHeaders(block: Buffer): void;
  /** @param bytes - The next bytes of the response. Lent for the time of the call. */
  onData(bytes: Buffer): void;
  onEnd(): void;
  onFailure(reason: string): void;
}

/** A request on a connection, as the connection sees it. */
export class H2Stream {
  readonly id: number;
  readonly sink: H2StreamSink;
  /** What the server still takes of this request. */
  sendWindowBytes: number;
  /** What has to wait for a window; `null` when all is sent. */
  unsent: Uint8Array | null = null;
  /** Received since the server was last told that it may send more. */
  receivedBytes = 0;

  constructor(id: number, sink: H2StreamSink, sendWindowBytes: number) {
    this.id = id;
    this.sink = sink;
    this.sendWindowBytes = sendWindowBytes;
  }
}
