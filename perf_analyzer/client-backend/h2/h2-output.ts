import type { Socket } from "node:net";
import { frameHeaderBytes, writeFrameHeader } from "./codec/h2-frame.ts";

/** Room for the frames of many small requests. */
const gatherBytes = 64 * 1024;
/** Longer payloads are written from where they lie. */
const copyLimitBytes = 8 * 1024;

/** Gathers frames and hands them to the system with few writes. */
export class H2Output {
  readonly #socket: Socket;
  #buffer = Buffer.allocUnsafeSlow(gatherBytes);
  #length = 0;

  constructor(socket: Socket) {
    this.#socket = socket;
  }

  get isEmpty(): boolean {
    return this.#length === 0;
  }

  /** @param payload - Not changed by anybody until the response has come. */
  frame(type: number, flags: number, streamId: number, payload: Uint8Array): void {
    this.#reserve(frameHeaderBytes);
    const { length } = payload;
    this.#length = writeFrameHeader(this.#buffer, this.#length, { length, type, flags, streamId });
    this.bytes(payload);
  }

  /** Bytes that are frames already. */
  bytes(bytes: Uint8Array): void {
    if (bytes.length > copyLimitBytes) {
      this.flush();
      this.#socket.write(bytes);
      return;
    }
    this.#reserve(bytes.length);
    this.#buffer.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  flush(): void {
    if (this.#length === 0) return;
    this.#socket.write(this.#buffer.subarray(0, this.#length));
    this.#length = 0;
    // The system has not taken all of it: it still reads from the buffer.
    if (this.#socket.writableLength > 0) this.#buffer = Buffer.allocUnsafeSlow(gatherBytes);
  }

  #reserve(byteCount: number): void {
    if (this.#length + byteCount > gatherBytes) this.flush();
  }
}
