import assert from "node:assert/strict";
import type { IncomingHttpHeaders } from "node:http";
import { type ClientHttp2Session, connect, constants } from "node:http2";
import { describe, it } from "mocha";
import { messageType } from "../helpers/grpc-client.ts";
import { caseError, firstCase, fuzzCount, fuzzSeed } from "./fuzz-settings.ts";
import { bugMessages, useFuzzedServer } from "./fuzzed-server.ts";
import { type GrpcCase, makeGrpcCase } from "./grpc-cases.ts";
import { RandomSource } from "./random-source.ts";
import { shown } from "./raw-http-connection.ts";

const caseCount = fuzzCount(3000);
/** Calls between two control inferences. */
const blockSize = 250;
/** Calls that are open at the same time. */
const laneCount = 8;
/** Only a server that hangs takes that long. */
const patienceMs = 10_000;
const frameHeadBytes = 5;

/** What a call gave. */
interface Outcome {
  /** `null`: the stream ended without one. */
  readonly status: number | null;
  readonly message: string;
  readonly httpStatus: number;
  readonly data: Buffer;
}

/** Makes a call without any gRPC library, which would not send what is wrong. */
function call(session: ClientHttp2Session, made: GrpcCase): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    const stream = session.request({
      [constants.HTTP2_HEADER_METHOD]: "POST",
      [constants.HTTP2_HEADER_PATH]: made.path,
      "content-type": "application/grpc",
      te: "trailers",
      ...made.headers,
    });
    const chunks: Buffer[] = [];
    let status: number | null = null;
    let message = "";
    let httpStatus = 0;
    const look = (headers: IncomingHttpHeaders): void => {
      const text = headers["grpc-message"];
      if (headers["grpc-status"] !== undefined) status = Number(headers["grpc-status"]);
      if (typeof text === "string") message = decodeURIComponent(text);
      if (headers[":status"] !== undefined) httpStatus = Number(headers[":status"]);
    };
    const timer = setTimeout(() => {
      reject(new Error(`no status in ${patienceMs} ms`));
      stream.close(constants.NGHTTP2_CANCEL);
    }, patienceMs);
    stream.on("response", look);
    stream.on("trailers", look);
    stream.on("data", (chunk: Buffer) => chunks.push(chunk));
    stream.on("error", () => undefined);
    stream.on("close", () => {
      clearTimeout(timer);
      resolve({ status, message, httpStatus, data: Buffer.concat(chunks) });
    });
    stream.end(made.data);
  });
}

function check({ status, message, httpStatus, data }: Outcome, made: GrpcCase): void {
  assert.doesNotMatch(message, bugMessages);
  if (status === null) {
    assert.ok(!made.isWellFramed, `no status; HTTP status ${httpStatus}`);
    return;
  }
  assert.equal(httpStatus, 200);
  assert.ok(Number.isInteger(status) && status >= 0 && status <= 16, `status ${status}`);
  if (status !== 0) {
    assert.notEqual(message, "", `status ${status} without a message`);
    // A load that fails, or a shared memory object that cannot be opened, is INTERNAL by the contract.
    const isLoad = /Repository|SharedMemory/.test(made.path);
    // 13 and 2 are what a server answers that did not understand what happened.
    if (made.isWellFramed && !isLoad) assert.ok(![2, 13].includes(status), `status ${status}: ${message}`);
    assert.equal(data.byteLength, 0);
    return;
  }
  assert.equal(data.readUInt8(0), 0);
  assert.equal(data.readUInt32BE(1), data.byteLength - frameHeadBytes);
  messageType(made.responseType).decode(data.subarray(frameHeadBytes));
}

describe(`gRPC fuzzing, seed ${fuzzSeed}`, () => {
  const server = useFuzzedServer();

  it(`answers ${caseCount} calls from number ${firstCase} with a status each`, async function () {
    this.timeout(30_000 + caseCount * 20);
    const address = `http://${server.current.addresses.grpc}`;
    const end = firstCase + caseCount;
    for (let first = firstCase; first < end; first += blockSize) {
      const session = connect(address);
      session.on("error", () => undefined);
      await Promise.all(
        Array.from({ length: laneCount }, async (_, lane) => {
          for (let number = first + lane; number < Math.min(end, first + blockSize); number += laneCount) {
            const made = makeGrpcCase(new RandomSource(fuzzSeed, number));
            try {
              check(await call(session, made), made);
            } catch (thrown) {
              const { path, headers, data } = made;
              throw caseError(number, `${path} ${JSON.stringify(headers)} ${shown(data)}`, thrown);
            }
          }
        }),
      );
      assert.ok(!session.closed && !session.destroyed, "the server closed the connection");
      session.close();
      await server.assertHealthy(`before case ${first + blockSize}`);
    }
    await server.assertIdle();
  });
});
