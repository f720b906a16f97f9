import assert from "node:assert/strict";
import { gunzipSync, inflateSync } from "node:zlib";
import { describe, it } from "mocha";
import { caseError, firstCase, fuzzCount, fuzzSeed } from "./fuzz-settings.ts";
import { bugMessages, useFuzzedServer } from "./fuzzed-server.ts";
import { type HttpCase, makeHttpCase } from "./http-cases.ts";
import { RandomSource } from "./random-source.ts";
import { type BrokenOff, RawHttpConnection, type RawReply, shown } from "./raw-http-connection.ts";

const caseCount = fuzzCount(3000);
/** Requests between two control inferences. */
const blockSize = 250;
/** Connections that send at the same time: a reply must not go to the wrong one. */
const laneCount = 5;
/** Only a server that hangs takes that long. */
const patienceMs = 10_000;

function checkReply(reply: RawReply, { isHead, path }: HttpCase): void {
  const { status, headers } = reply;
  const type = headers.get("content-type") ?? "";
  if (status >= 500) assert.ok(status !== 500 || /repository|sharedmemory/.test(path), `status ${status}`);
  if (isHead) return;
  if (status >= 400) {
    // Only the health endpoints say no without a word.
    if (reply.body.byteLength === 0 && path.startsWith("/v2/health/")) return;
    assert.equal(type, "application/json");
    const document = JSON.parse(reply.body.toString()) as { error: unknown };
    assert.deepEqual(Object.keys(document), ["error"]);
    assert.ok(typeof document.error === "string" && document.error !== "", "an error without a text");
    assert.doesNotMatch(document.error, bugMessages);
    return;
  }
  checkContent(reply, type);
}

function checkContent({ status, headers, body }: RawReply, type: string): void {
  assert.equal(status, 200);
  const encoding = headers.get("content-encoding");
  const plain = encoding === "gzip" ? gunzipSync(body) : encoding === "deflate" ? inflateSync(body) : body;
  const jsonBytes = headers.get("inference-header-content-length");
  if (type.startsWith("text/event-stream")) return checkEvents(plain.toString());
  if (plain.byteLength === 0) return;
  assert.equal(type, jsonBytes === undefined ? "application/json" : "application/octet-stream");
  const json = plain.toString("utf8", 0, jsonBytes === undefined ? plain.byteLength : Number(jsonBytes));
  parseWithNaN(json);
}

/** Strict JSON lacks three of the numbers that a tensor may have. */
function parseWithNaN(json: string): unknown {
  return JSON.parse(json.replace(/(?<=[[,:])(?:NaN|-?Infinity)(?=[\],}])/g, "0"));
}

/** One event for each response. The models here give one each, so there is one. */
function checkEvents(text: string): void {
  const [, json] = /^data: (\{.*\})\n\n$/.exec(text) ?? [];
  assert.ok(json !== undefined, `not one event: ${JSON.stringify(text)}`);
  const { model_name, error } = parseWithNaN(json) as { model_name?: string; error?: string };
  assert.ok(typeof model_name === "string" || typeof error === "string", json);
  assert.doesNotMatch(error ?? "", bugMessages);
}

/** Sends requests one after the other, on one connection as long as that lasts. */
class Lane {
  readonly #address: URL;
  #connection: RawHttpConnection | null = null;

  constructor(address: URL) {
    this.#address = address;
  }

  async run(made: HttpCase): Promise<void> {
    if (made.isAbandoned) return this.#abandon(made);
    if (!made.isWellFramed) return this.#sendBroken(made);
    const isReused = this.#connection !== null && !this.#connection.isClosed;
    let reply = await this.#send(made);
    // The server may close an idle connection while the request is on its way.
    if (!("status" in reply) && isReused && reply.received.byteLength === 0) reply = await this.#send(made);
    if (!("status" in reply))
      throw new Error(`no reply, the connection was closed after ${shown(reply.received)}`);
    const surplus = this.#connection?.surplus ?? Buffer.alloc(0);
    assert.equal(surplus.byteLength, 0, `bytes behind the reply: ${shown(surplus)}`);
    checkReply(reply, made);
    if (reply.headers.get("connection")?.toLowerCase() === "close") this.close();
  }

  close(): void {
    this.#connection?.destroy();
    this.#connection = null;
  }

  async #send({ bytes, isHead }: HttpCase): Promise<RawReply | BrokenOff> {
    if (this.#connection === null || this.#connection.isClosed) {
      this.#connection = await RawHttpConnection.open(this.#address);
    }
    this.#connection.send(bytes);
    return this.#connection.reply(isHead, patienceMs);
  }

  /** Whatever the server makes of it, it lets go of the connection when the client has. */
  async #sendBroken({ bytes }: HttpCase): Promise<void> {
    const connection = await RawHttpConnection.open(this.#address);
    connection.send(bytes);
    connection.end();
    const received = await connection.closed(patienceMs);
    if (received.byteLength > 0) assert.match(received.toString("latin1", 0, 7), /^HTTP\/1/);
  }

  async #abandon({ bytes }: HttpCase): Promise<void> {
    const connection = await RawHttpConnection.open(this.#address);
    connection.send(bytes);
    connection.destroy();
  }
}

describe(`HTTP fuzzing, seed ${fuzzSeed}`, () => {
  const server = useFuzzedServer();

  it(`answers ${caseCount} requests from number ${firstCase} with one well-formed reply each (row 23)`, async function () {
    this.timeout(30_000 + caseCount * 20);
    const lanes = Array.from({ length: laneCount }, () => new Lane(new URL(server.current.addresses.http)));
    const end = firstCase + caseCount;
    for (let first = firstCase; first < end; first += blockSize) {
      await Promise.all(
        lanes.map(async (lane, index) => {
          for (let number = first + index; number < Math.min(end, first + blockSize); number += laneCount) {
            const made = makeHttpCase(new RandomSource(fuzzSeed, number));
            try {
              await lane.run(made);
            } catch (thrown) {
              throw caseError(number, shown(made.bytes), thrown);
            }
          }
        }),
      );
      await server.assertHealthy(`before case ${first + blockSize}`);
    }
    for (const lane of lanes) lane.close();
    await server.assertIdle();
  });
});
