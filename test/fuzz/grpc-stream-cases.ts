import { deflateSync, gzipSync } from "node:zlib";
import { brokenFrame, frame, inferMessages } from "./grpc-cases.ts";
import { mutatedMessage } from "./protobuf-mutation.ts";
import type { RandomSource } from "./random-source.ts";

/** A ModelStreamInfer call as it goes out over HTTP/2. */
export interface GrpcStreamCase {
  readonly headers: Readonly<Record<string, string>>;
  /** What is written, one piece after the other; a frame of gRPC may be spread over several, or share one. */
  readonly pieces: readonly Buffer[];
  /** Messages in {@link pieces}: each gets one answer when all are well framed and the client stays. */
  readonly messageCount: number;
  readonly isWellFramed: boolean;
  /** Number of messages to wait for after the last piece, before the end. */
  readonly awaitedCount: number;
  readonly end: "half-close" | "reset";
  /** Whether a failed request ends the stream. */
  readonly endsOnError: boolean;
  /** Whether its deadline may pass. */
  readonly mayExpire: boolean;
}

function cut(bytes: Buffer, random: RandomSource): Buffer[] {
  const pieces: Buffer[] = [];
  for (let offset = 0; offset < bytes.byteLength; ) {
    const size = 1 + random.below(random.onceIn(3) ? 10 : 600);
    pieces.push(bytes.subarray(offset, offset + size));
    offset += size;
  }
  return pieces;
}

type Encoding = "gzip" | "deflate" | null;

function framesOf(count: number, isWellFramed: boolean, encoding: Encoding, random: RandomSource): Buffer {
  const frames: Buffer[] = [];
  for (let index = 0; index < count; index++) {
    const message = random.pick(inferMessages);
    const sent = random.onceIn(2) ? message : mutatedMessage(message, random);
    if (encoding === null || random.onceIn(3)) frames.push(frame(sent));
    else frames.push(frame(encoding === "gzip" ? gzipSync(sent) : deflateSync(sent), 1));
  }
  // It comes last: nobody can say what the bytes behind it are.
  if (!isWellFramed) frames.push(brokenFrame(random.pick(inferMessages), random));
  return Buffer.concat(frames);
}

/** Makes a stream: the same one for the same random source. */
export function makeGrpcStreamCase(random: RandomSource): GrpcStreamCase {
  const headers: Record<string, string> = {};
  const encoding: Encoding = random.onceIn(5) ? random.pick(["gzip", "deflate"] as const) : null;
  if (encoding !== null) headers["grpc-encoding"] = encoding;
  const endsOnError = random.onceIn(6);
  if (endsOnError) headers["triton_grpc_error"] = "true";
  const mayExpire = random.onceIn(15);
  if (mayExpire) headers["grpc-timeout"] = random.pick(["0n", "3m", "20m"]);
  const isWellFramed = !random.onceIn(6);
  const messageCount = random.below(random.onceIn(8) ? 40 : 7);
  const all = framesOf(messageCount, isWellFramed, encoding, random);
  const end = random.onceIn(4) ? "reset" : "half-close";
  const shown = end === "reset" && random.onceIn(2) ? all.subarray(0, random.below(all.byteLength + 1)) : all;
  return {
    headers,
    pieces: random.onceIn(2) ? cut(shown, random) : [shown],
    messageCount,
    isWellFramed,
    awaitedCount:
      shown === all && isWellFramed && !endsOnError && !mayExpire ? random.below(messageCount + 1) : 0,
    end,
    endsOnError,
    mayExpire,
  };
}
