import { frameHeaderBytes } from "./h2-frame.ts";

/** A frame that has come whole. The same object is filled again for the next one. */
export class ReceivedFrame {
  type = 0;
  flags = 0;
  streamId = 0;
  /** Lent: the bytes are overwritten after the call that got the frame. */
  payload: Buffer = Buffer.alloc(0);
}

/** Cuts what a connection delivers into frames. */
export class H2FrameReader {
  readonly #maxPayloadBytes: number;
  readonly #onFrame: (frame: ReceivedFrame) => void;
  readonly #frame = new ReceivedFrame();
  /** The beginning of a frame whose rest has not come. */
  readonly #partial: Buffer;
  #partialBytes = 0;

  /** @param maxPayloadBytes - What SETTINGS_MAX_FRAME_SIZE allows the server. */
  constructor(maxPayloadBytes: number, onFrame: (frame: ReceivedFrame) => void) {
    this.#maxPayloadBytes = maxPayloadBytes;
    this.#onFrame = onFrame;
    this.#partial = Buffer.allocUnsafeSlow(frameHeaderBytes + maxPayloadBytes);
  }

  /**
   * @param bytes - Lent for the time of the call.
   * @throws Error when a frame is longer than allowed.
   */
  push(bytes: Buffer): void {
    let at = 0;
    if (this.#partialBytes > 0) {
      at = this.#fill(bytes, 0, frameHeaderBytes);
      if (this.#partialBytes < frameHeaderBytes) return;
      const size = frameHeaderBytes + this.#payloadBytes(this.#partial, 0);
      at = this.#fill(bytes, at, size);
      if (this.#partialBytes < size) return;
      this.#partialBytes = 0;
      this.#emit(this.#partial, 0, size);
    }
    while (bytes.length - at >= frameHeaderBytes) {
      const size = frameHeaderBytes + this.#payloadBytes(bytes, at);
      if (bytes.length - at < size) break;
      this.#emit(bytes, at, at + size);
      at += size;
    }
    if (at < bytes.length) this.#fill(bytes, at, bytes.length - at);
  }

  /** Copies until the partial frame has `size` bytes, or there are no more. @returns Where the rest begins. */
  #fill(bytes: Buffer, at: number, size: number): number {
    const end = Math.min(bytes.length, at + Math.max(0, size - this.#partialBytes));
    bytes.copy(this.#partial, this.#partialBytes, at, end);
    this.#partialBytes += end - at;
    return end;
  }

  #payloadBytes(bytes: Buffer, at: number): number {
    const length = (bytes[at]! << 16) | (bytes[at + 1]! << 8) | bytes[at + 2]!;
    if (length > this.#maxPayloadBytes) {
      throw new Error(`the server does not speak HTTP/2, or sent a frame of ${length} bytes`);
    }
    return length;
  }

  #emit(bytes: Buffer, start: number, end: number): void {
    const frame = this.#frame;
    frame.type = bytes[start + 3]!;
    frame.flags = bytes[start + 4]!;
    frame.streamId =
      ((bytes[start + 5]! & 0x7f) << 24) |
      (bytes[start + 6]! << 16) |
      (bytes[start + 7]! << 8) |
      bytes[start + 8]!;
    frame.payload = bytes.subarray(start + frameHeaderBytes, end);
    this.#onFrame(frame);
  }
}
