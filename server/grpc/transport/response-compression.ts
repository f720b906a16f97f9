import { constants, deflate, deflateSync, gzip, gzipSync } from "node:zlib";
import type { OutgoingMessage } from "./grpc-transport.ts";

/** How hard responses are compressed: `--grpc-infer-response-compression-level`. */
export const compressionLevels = ["none", "low", "medium", "high"] as const;
export type CompressionLevel = (typeof compressionLevels)[number];

/** What a compressed message is encoded with, by its name in `grpc-encoding`. */
export type MessageEncoding = "gzip" | "deflate";

/** From the one that is taken to compress least to the one that compresses most: gRPC's own order. */
const encodings: readonly MessageEncoding[] = ["gzip", "deflate"];

/** A shorter message fits into a packet or two anyway, and what gzip adds may be more than what it saves. */
const minBytes = 1024;

/** Up to here the work is done at once: it takes less than a millisecond, and handing it over would take longer. */
const maxBlockingBytes = 16 * 1024;

/** zlib's own 16 KiB would make a turn of the event loop of each. */
const chunkBytes = 256 * 1024;

/** Where the flag "compressed" is, before the message. */
const flagOffset = -5;
const lengthOffset = -4;

/**
 * Picks an encoding among those that a client accepts, as gRPC's core does: the first for `low`, the last for `high`.
 *
 * @param accepted - The client's `grpc-accept-encoding`; "": it sent none.
 * @returns `null`: the messages stay as they are.
 * @see grpc src/core/lib/compression/compression_internal.cc, CompressionAlgorithmForLevel
 */
export function chooseEncoding(level: CompressionLevel, accepted: string): MessageEncoding | null {
  const names = accepted.split(",").map((name) => name.trim());
  const usable = encodings.filter((encoding) => names.includes(encoding));
  const ranks = { none: -1, low: 0, medium: Math.floor(usable.length / 2), high: usable.length - 1 };
  return usable[ranks[level]] ?? null;
}

/** What zlib is asked to do for each level. */
const zlibLevels: Readonly<Record<CompressionLevel, number>> = {
  none: constants.Z_NO_COMPRESSION,
  low: constants.Z_BEST_SPEED,
  medium: constants.Z_DEFAULT_COMPRESSION,
  high: constants.Z_BEST_COMPRESSION,
};

/**
 * Compresses a message, off the event loop when it is long.
 *
 * @param message - Written or copied before this returns.
 * @param done - Called once, now or later, with the compressed message, or with the plain one when that is hardly longer.
 */
export function compressMessage(
  message: OutgoingMessage,
  encoding: MessageEncoding,
  level: CompressionLevel,
  done: (message: OutgoingMessage) => void,
): void {
  if (message.byteLength < minBytes) {
    done(message);
    return;
  }
  const plain = ownBytes(message);
  const options = { level: zlibLevels[level], chunkSize: Math.min(chunkBytes, plain.byteLength) };
  const finish = (compressed: Buffer | null): void => {
    done(
      compressed === null || compressed.byteLength >= plain.byteLength
        ? plain
        : new CompressedMessage(compressed),
    );
  };
  if (plain.byteLength <= maxBlockingBytes) {
    finish((encoding === "gzip" ? gzipSync : deflateSync)(plain, options));
    return;
  }
  const run = encoding === "gzip" ? gzip : deflate;
  run(plain, options, (error, compressed) => finish(error === null ? compressed : null));
}

/**
 * A message whose frame says that it is compressed.
 *
 * @remarks The transport's library has no such messages: it clears the flag, and has the message written behind it. So the
 * message sets the flag itself.
 */
export class CompressedMessage implements OutgoingMessage {
  readonly byteLength: number;
  readonly #bytes: Buffer;

  constructor(bytes: Buffer) {
    this.byteLength = bytes.byteLength;
    this.#bytes = bytes;
  }

  /** @throws Error when there is no message's frame around the place: the library has changed. */
  copy(target: Buffer, targetStart: number): void {
    const isFrame =
      targetStart + flagOffset >= 0 &&
      target.readUInt8(targetStart + flagOffset) === 0 &&
      target.readUInt32BE(targetStart + lengthOffset) === this.byteLength;
    if (!isFrame) throw new Error("A compressed message is written where no frame is. This is a bug.");
    target.writeUInt8(1, targetStart + flagOffset);
    this.#bytes.copy(target, targetStart);
  }
}

/** The message in memory of its own; a Buffer is the transport's already. */
function ownBytes(message: OutgoingMessage): Buffer {
  if (Buffer.isBuffer(message)) return message;
  const bytes = Buffer.allocUnsafe(message.byteLength);
  message.copy(bytes, 0);
  return bytes;
}
