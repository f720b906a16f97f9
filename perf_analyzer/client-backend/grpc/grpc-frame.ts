import { deflateSync, gunzipSync, gzipSync, inflateSync } from "node:zlib";

/** How messages are compressed. */
export type GrpcCompression = "none" | "gzip" | "deflate";

const prefixBytes = 5;

/** A message with its prefix: one byte for "compressed", the length as a big-endian uint32. */
export function frameMessage(message: Uint8Array, compression: GrpcCompression): Buffer {
  const body =
    compression === "none" ? message : compression === "gzip" ? gzipSync(message) : deflateSync(message);
  const frame = Buffer.alloc(prefixBytes + body.byteLength);
  frame[0] = compression === "none" ? 0 : 1;
  frame.writeUInt32BE(body.byteLength, 1);
  frame.set(body, prefixBytes);
  return frame;
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
  const message = frame.subarray(prefixBytes);
  if (frame[0] === 0) return message;
  if (encoding === "gzip") return gunzipSync(message);
  if (encoding === "deflate") return inflateSync(message);
  throw new Error(`the response is compressed with ${JSON.stringify(encoding)}`);
}
