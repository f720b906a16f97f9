import assert from "node:assert/strict";
import type { IncomingHttpHeaders } from "node:http";
import { type ClientHttp2Session, type ClientHttp2Stream, connect, constants } from "node:http2";
import { describe, it } from "mocha";
import { messageType } from "../helpers/grpc-client.ts";
import { caseError, firstCase, fuzzCount, fuzzSeed } from "./fuzz-settings.ts";
import { bugMessages, useFuzzedServer } from "./fuzzed-server.ts";
import { type GrpcStreamCase, makeGrpcStreamCase } from "./grpc-stream-cases.ts";
import { RandomSource } from "./random-source.ts";
import { shown } from "./raw-http-connection.ts";

const caseCount = fuzzCount(300);
/** Streams between two control inferences. */
const blockSize = 100;
/** Connections, and streams that are open at the same time on each. */
const sessionCount = 2;
const laneCount = 6;
/** Only a server that hangs takes that long. */
const patienceMs = 10_000;
const frameHeadBytes = 5;
const cancelled = 1;
const deadlineExceeded = 4;

const responseType = messageType("inference.ModelStreamInferResponse");

/** What a stream gave. */
interface Outcome {
  /** `null`: it ended without one. */
  readonly status: number | null;
  readonly message: string;
  readonly messages: readonly Buffer[];
  /** Bytes behind the last whole message. */
  readonly restBytes: number;
}

/** One ModelStreamInfer call without any gRPC library, which would not send what is wrong. */
class RawStream {
  readonly ended: Promise<Outcome>;
  readonly #stream: ClientHttp2Stream;
  readonly #messages: Buffer[] = [];
  #received = Buffer.alloc(0);
  #onMessage: () => void = () => undefined;

  constructor(session: ClientHttp2Session, headers: Readonly<Record<string, string>>) {
    const stream = session.request({
      [constants.HTTP2_HEADER_METHOD]: "POST",
      [constants.HTTP2_HEADER_PATH]: "/inference.GRPCInferenceService/ModelStreamInfer",
      "content-type": "application/grpc",
      te: "trailers",
      ...headers,
    });
    this.#stream = stream;
    let status: number | null = null;
    let message = "";
    const look = (received: IncomingHttpHeaders): void => {
      const text = received["grpc-message"];
      if (received["grpc-status"] !== undefined) status = Number(received["grpc-status"]);
      if (typeof text === "string") message = decodeURIComponent(text);
    };
    stream.on("response", look);
    stream.on("trailers", look);
    stream.on("error", () => undefined);
    stream.on("data", (chunk: Buffer) => this.#take(chunk));
    this.ended = new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        reject(new Error(`no end in ${patienceMs} ms, after ${this.#messages.length} messages`));
        stream.close(constants.NGHTTP2_CANCEL);
      }, patienceMs);
      stream.on("close", () => {
        clearTimeout(timer);
        this.#onMessage();
        resolve({ status, message, messages: this.#messages, restBytes: this.#received.byteLength });
      });
    });
  }

  /** Sends the case and ends it as the case says. */
  async run({ pieces, awaitedCount, end }: GrpcStreamCase): Promise<Outcome> {
    for (const piece of pieces) {
      if (this.#stream.closed || this.#stream.destroyed) break;
      this.#stream.write(piece);
      // Each piece travels by itself.
      if (pieces.length > 1) await new Promise(setImmediate);
    }
    await this.#waitForMessages(awaitedCount);
    if (end === "reset") this.#stream.close(constants.NGHTTP2_CANCEL);
    else this.#stream.end();
    return this.ended;
  }

  #waitForMessages(count: number): Promise<void> {
    return new Promise((resolve) => {
      this.#onMessage = () => {
        if (this.#messages.length >= count || this.#stream.closed || this.#stream.destroyed) resolve();
      };
      this.#onMessage();
    });
  }

  #take(chunk: Buffer): void {
    this.#received = Buffer.concat([this.#received, chunk]);
    while (this.#received.byteLength >= frameHeadBytes) {
      const end = frameHeadBytes + this.#received.readUInt32BE(1);
      if (this.#received.byteLength < end) break;
      this.#messages.push(this.#received.subarray(frameHeadBytes, end));
      this.#received = this.#received.subarray(end);
    }
    this.#onMessage();
  }
}

function check({ status, message, messages, restBytes }: Outcome, made: GrpcStreamCase): void {
  assert.doesNotMatch(message, bugMessages);
  for (const bytes of messages) {
    const { error_message } = responseType.toObject(responseType.decode(bytes)) as { error_message?: string };
    assert.doesNotMatch(error_message ?? "", bugMessages);
  }
  assert.ok(messages.length <= made.messageCount + (made.isWellFramed ? 0 : 2), `${messages.length} answers`);
  // Whoever resets a stream reads no further.
  if (made.end === "reset") return;
  // It may also be reset: nobody can say whether a whole message came.
  if (!made.isWellFramed) return;
  assert.equal(restBytes, 0, "bytes that are no message");
  assert.ok(status !== null, "no status");
  if (made.mayExpire && [cancelled, deadlineExceeded].includes(status)) return;
  if (made.endsOnError && status !== 0) {
    assert.notEqual(message, "");
    return;
  }
  assert.equal(status, 0, message);
  assert.equal(messages.length, made.messageCount, "one answer to each request");
}

describe(`gRPC stream fuzzing, seed ${fuzzSeed}`, () => {
  const server = useFuzzedServer();

  it(`answers each request of ${caseCount} streams from number ${firstCase}`, async function () {
    this.timeout(30_000 + caseCount * 50);
    const address = `http://${server.current.addresses.grpc}`;
    const end = firstCase + caseCount;
    for (let first = firstCase; first < end; first += blockSize) {
      const sessions = Array.from({ length: sessionCount }, () => connect(address));
      for (const session of sessions) session.on("error", () => undefined);
      await Promise.all(
        Array.from({ length: sessionCount * laneCount }, async (_, lane) => {
          const session = sessions[lane % sessionCount]!;
          for (
            let number = first + lane;
            number < Math.min(end, first + blockSize);
            number += sessionCount * laneCount
          ) {
            const made = makeGrpcStreamCase(new RandomSource(fuzzSeed, number));
            try {
              check(await new RawStream(session, made.headers).run(made), made);
            } catch (thrown) {
              const { pieces, ...rest } = made;
              throw caseError(number, `${JSON.stringify(rest)} ${shown(Buffer.concat(pieces))}`, thrown);
            }
          }
        }),
      );
      for (const session of sessions) {
        assert.ok(!session.closed && !session.destroyed, "the server closed the connection");
        session.close();
      }
      await server.assertHealthy(`before case ${first + blockSize}`);
    }
    await server.assertIdle();
  });
});
