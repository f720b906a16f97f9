import { constants, deflate, gunzip, gzip, inflate } from "node:zlib";
import { type Failure, failure } from "../core/status.ts";
import type { Compression } from "./codec/content-encoding.ts";

/** Memory is taken in steps, each of which is a turn of the event loop: zlib's own 16 KiB make thousands. */
const largestStepBytes = 256 * 1024;
const smallestStepBytes = 1024;

/** Tensors shrink to a half or a quarter: most bodies then take one step, and not much more memory than they need. */
const expectedRatio = 4;

/** The fastest: tensors hardly compress, and the work is the server's while the gain is the client's. */
const level = constants.Z_BEST_SPEED;

/** What an encoder may add to bytes that do not compress, generously: zlib's own bound, and a long gzip header. */
export function maxCompressedBytes(maxBytes: number): number {
  return maxBytes + Math.ceil(maxBytes / 1000) + 64 * 1024;
}

/**
 * Inflates a request's body, off the event loop. Not more than `maxBytes` and a step are ever made, however much the
 * body would give.
 *
 * @param body - Left unchanged until `done` is called: zlib reads it meanwhile.
 * @param maxBytes - `--http-max-input-size`.
 * @param done - Called in a later turn, with the bytes or with INVALID_ARG.
 */
export function decompress(
  compression: Compression,
  body: Uint8Array,
  maxBytes: number,
  done: (result: Buffer | Failure) => void,
): void {
  const run = compression === "gzip" ? gunzip : inflate;
  const expectedBytes = Math.min(body.byteLength * expectedRatio, largestStepBytes);
  const options = { maxOutputLength: maxBytes, chunkSize: Math.max(expectedBytes, smallestStepBytes) };
  run(body, options, (error: NodeJS.ErrnoException | null, inflated) => {
    if (error === null) done(inflated);
    else if (error.code === "ERR_BUFFER_TOO_LARGE") done(tooLarge(maxBytes));
    else
      done(
        failure("INVALID_ARG", `Unable to decompress the request body as ${compression}: ${error.message}`),
      );
  });
}

function tooLarge(maxBytes: number): Failure {
  return failure(
    "INVALID_ARG",
    `decompressed request body exceeds the maximum allowed input size of ${maxBytes} bytes: raise --http-max-input-size to allow it`,
  );
}

/**
 * Compresses a response's body, off the event loop.
 *
 * @param body - Left unchanged until `done` is called: zlib reads it meanwhile.
 * @param done - Called in a later turn; `null` when it failed, so that the body goes out as it is.
 */
export function compress(
  compression: Compression,
  body: Uint8Array,
  done: (compressed: Buffer | null) => void,
): void {
  const run = compression === "gzip" ? gzip : deflate;
  run(body, { level }, (error, compressed) => done(error === null ? compressed : null));
}
