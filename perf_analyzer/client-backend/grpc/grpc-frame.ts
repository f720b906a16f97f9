import { deflateSync, gunzipSync, gzipSync, inflateSync } from "node:zlib";

/** How messages are compressed. */
export type GrpcCompression = "none" | "gzip" | "deflate";

const prefixBytes = 5;

/** A message with its prefix: one byte for "compressed", the length as a big-endian uint32. */
export function frameMessage(message: Uint8Array, compression: GrpcCompression): Buffer {
  const body =
    compression === "none" ? message : compression === "gzip" ? gzipSync(message) : deflateSync(message);
  const prefix = framePrefix(body.byteLength);
  prefix[0] = compression === "none" ? 0 : 1;
  return Buffer.concat([prefix, body]);
}

/** The prefix of a message that is not compressed. */
export function framePrefix(byteLength: number): Buffer {
  const prefix = Buffer.alloc(prefixBytes);
  prefix.writeUInt32BE(byteLength, 1);
  return prefix;
}

/**
 * The only message of a response.
 *
 * @param encoding - The response's `grpc-encoding`.
 * @throws Error when it is not one whole message, or compressed in an unknown way.
 */
export function unframeMessage(frame: Buffer, encoding: string): Buffer {
  if (frame.length < prefixBytes || frame.readUInt32BE(1) !== frame.length - prefixBytes) {
    throw new Error("the response is not one whole gRPC message");
  }
  return contentOf(frame, encoding);
}

/** @param frame - One whole message with its prefix. */
function contentOf(frame: Buffer, encoding: string): Buffer {
  const message = frame.subarray(prefixBytes);
  if (frame[0] === 0) return message;
  if (encoding === "gzip") return gunzipSync(message);
  if (encoding === "deflate") return inflateSync(message);
  throw new Error(`the response is compressed with ${JSON.stringify(encoding)}`);
}

/** Cuts what comes on a stream into messages. */
export class MessageSplitter {
  #parts: Buffer[] = [];
  #byteLength = 0;

  /**
   * Takes the next bytes.
   *
   * @param encoding - The stream's `grpc-encoding`.
   * @returns The messages that are whole by now, in order.
   * @throws Error when one is compressed in an unknown way.
   */
  push(chunk: Buffer, encoding: string): Buffer[] {
    this.#parts.push(chunk);
    this.#byteLength += chunk.length;
    const messages: Buffer[] = [];
    for (;;) {
      const frameBytes = this.#frameBytes();
      if (frameBytes === null || this.#byteLength < frameBytes) return messages;
      const bytes = this.#joined();
      messages.push(contentOf(bytes.subarray(0, frameBytes), encoding));
      this.#byteLength -= frameBytes;
      this.#parts = this.#byteLength === 0 ? [] : [bytes.subarray(frameBytes)];
    }
  }

  /** Bytes of the next message with its prefix; `null` while that is not known. */
  #frameBytes(): number | null {
    if (this.#byteLength < prefixBytes) return null;
    const [first] = this.#parts;
    const head = first !== undefined && first.length >= prefixBytes ? first : this.#joined();
    return prefixBytes + head.readUInt32BE(1);
  }

  #joined(): Buffer {
    const [first] = this.#parts;
    const bytes = first !== undefined && this.#parts.length === 1 ? first : Buffer.concat(this.#parts);
    this.#parts = [bytes];
    return bytes;
  }
}
