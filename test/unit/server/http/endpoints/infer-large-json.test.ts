import assert from "node:assert/strict";
import { gunzipSync, gzipSync } from "node:zlib";
import { afterEach, beforeEach, describe, it } from "mocha";
import { CodecThread } from "../../../../../server/http/codec-thread/codec-thread.ts";
import { InferEndpoint } from "../../../../../server/http/endpoints/infer.ts";
import { matchRoute } from "../../../../../server/http/router.ts";
import { FakeDataPlane, FakeModel } from "../../../../helpers/fake-data-plane.ts";
import { FakeExchange } from "../../../../helpers/fake-exchange.ts";

const elementCount = 20_000;
const values = Array.from({ length: elementCount }, (_, i) => i - 100);
const maxInputBytes = 1_000_000;

/** More JSON than the event loop reads, with as large an answer. */
function largeRequest(changes: object = {}, data: readonly unknown[] = values): string {
  const input = { name: "INPUT0", datatype: "INT32", shape: [elementCount], data };
  return JSON.stringify({ id: "7", inputs: [input], ...changes });
}

/** The same in fewer bytes than that, with an answer that is just as large. */
const smallRequest = largeRequest({}, new Array<number>(elementCount).fill(1));

function answeredData(exchange: FakeExchange): unknown {
  assert.equal(exchange.statusLine, "200 OK", exchange.body);
  return (JSON.parse(exchange.body) as { outputs: { data: unknown }[] }).outputs[0]?.data;
}

describe("InferEndpoint with large JSON", () => {
  let bugs: unknown[] = [];
  let plane = new FakeDataPlane();
  let thread = new CodecThread(assert.ifError);
  let endpoint = new InferEndpoint(plane, { maxInputBytes, onBug: assert.ifError }, thread);

  beforeEach(() => {
    bugs = [];
    plane = new FakeDataPlane();
    const onBug = (thrown: unknown): void => void bugs.push(thrown);
    thread = new CodecThread(onBug);
    endpoint = new InferEndpoint(plane, { maxInputBytes, onBug }, thread);
  });

  afterEach(() => {
    thread.close();
    assert.deepEqual(bugs, []);
  });

  function send(body: string | Uint8Array, headers: Record<string, string> = {}): FakeExchange {
    const route = matchRoute("/v2/models/echo/infer");
    assert.ok(route !== null);
    const exchange = new FakeExchange(headers);
    endpoint.handle(route, exchange);
    exchange.receive(body);
    return exchange;
  }

  /** Resolves when everything that was given to the codec thread has come back. */
  async function codecIdle(): Promise<void> {
    await send(largeRequest({ inputs: [], padding: values })).replied();
    assert.equal(thread.pendingCount, 0);
  }

  it("reads and writes it in the codec thread", async () => {
    const exchange = send(largeRequest());
    assert.equal(thread.pendingCount, 1);
    assert.equal(plane.echo.requests.length, 0);
    await exchange.replied();
    assert.deepEqual(answeredData(exchange), values);
    assert.equal((JSON.parse(exchange.body) as { id: string }).id, "7");
  });

  it("reads small JSON at once, and writes its large answer in the codec thread", async () => {
    assert.ok(smallRequest.length < 65_536);
    const exchange = send(smallRequest);
    assert.equal(plane.echo.requests.length, 1);
    await exchange.replied();
    assert.equal((answeredData(exchange) as number[]).length, elementCount);
  });

  it("does not let a small request wait behind a large one", async () => {
    const large = send(largeRequest());
    const small = send('{"inputs":[{"name":"INPUT0","datatype":"INT32","shape":[1],"data":[5]}]}');
    await small.replied();
    assert.deepEqual(answeredData(small), [5]);
    await large.replied();
    assert.deepEqual(answeredData(large), values);
  });

  it("decompresses first, and compresses what the thread has written", async () => {
    const exchange = send(gzipSync(largeRequest()), {
      "content-encoding": "gzip",
      "accept-encoding": "gzip",
    });
    await exchange.replied();
    assert.deepEqual(exchange.replyHeaders, {
      "Content-Type": "application/json",
      "Content-Encoding": "gzip",
    });
    exchange.body = gunzipSync(exchange.bytes).toString();
    assert.deepEqual(answeredData(exchange), values);
  });

  it("answers with JSON and binary tensors behind it when the request asks for both", async () => {
    const inputs = ["INPUT0", "INPUT1"].map((name) => ({
      name,
      datatype: "INT32",
      shape: [elementCount],
      data: values,
    }));
    const outputs = [{ name: "OUTPUT0" }, { name: "OUTPUT1", parameters: { binary_data: true } }];
    const exchange = send(JSON.stringify({ inputs, outputs }));
    await exchange.replied();
    assert.equal(exchange.statusLine, "200 OK", exchange.body);
    const binary = exchange.bytes.subarray(exchange.bytes.byteLength - 4 * elementCount);
    assert.equal(binary.readInt32LE(0), -100);
    assert.match(exchange.bytes.toString("latin1", 0, 200), /"name":"OUTPUT0".*"data":\[-100,-99,/);
  });

  for (const [what, body, error] of [
    [
      "malformed JSON",
      largeRequest().slice(0, -1),
      /^failed to parse the request JSON buffer: .* at byte \d+$/,
    ],
    [
      "a wrong element",
      largeRequest({}, [...values.slice(1), "x"]),
      /attempt to access JSON non-integer as integer/,
    ],
    ["a missing element", largeRequest({}, values.slice(1)), /expecting 20000 elements$/],
    [
      "no inputs",
      largeRequest({ inputs: undefined, padding: values }),
      /non-existing object member 'inputs'/,
    ],
  ] as const) {
    it(`answers ${what} as it does in small requests`, async () => {
      const exchange = send(body);
      await exchange.replied();
      assert.equal(exchange.statusLine, "400 Bad Request");
      assert.match((JSON.parse(exchange.body) as { error: string }).error, error);
      assert.equal(plane.echo.requests.length, 0);
    });
  }

  it("answers a response that cannot be JSON as it does for small ones", async () => {
    const header = Buffer.from(
      `{"inputs":[{"name":"INPUT0","datatype":"FP16","shape":[${elementCount}],"parameters":{"binary_data_size":${2 * elementCount}}}]}`,
    );
    const exchange = send(Buffer.concat([header, Buffer.alloc(2 * elementCount)]), {
      "inference-header-content-length": String(header.byteLength),
    });
    await exchange.replied();
    assert.equal(exchange.statusLine, "400 Bad Request");
    assert.match(exchange.body, /sending FP16 data via JSON is not supported/);
  });

  it("answers a model's refusal with the request's id", async () => {
    plane.echo.refusal = { code: "UNAVAILABLE", message: "Full" };
    const exchange = send(largeRequest());
    await exchange.replied();
    assert.equal(exchange.statusLine, "503 Service Unavailable");
    assert.equal(exchange.body, '{"error":"[request id: 7] Full"}');
  });

  it("asks again for the model that is ready when the body has been read", async () => {
    const exchange = send(largeRequest());
    const old = plane.echo;
    plane.echo = new FakeModel(old.name);
    await exchange.replied();
    assert.deepEqual([old.requests.length, plane.echo.requests.length], [0, 1]);
    assert.deepEqual(answeredData(exchange), values);
  });

  it("answers with NOT_FOUND when the model has gone while the body was read", async () => {
    const exchange = send(largeRequest());
    plane.findModel = () => ({ code: "NOT_FOUND", message: "gone" });
    await exchange.replied();
    assert.equal(exchange.statusLine, "404 Not Found");
  });

  it("does not infer for a client that goes away while its body is read", async () => {
    const exchange = send(largeRequest());
    exchange.cancellable?.cancel();
    await codecIdle();
    assert.deepEqual([exchange.statusLine, plane.echo.requests.length], [null, 1]);
  });

  it("drops a body that waits to be read when its client goes away", async () => {
    const exchanges = [largeRequest(), largeRequest(), largeRequest()].map((body) => send(body));
    assert.equal(thread.pendingCount, 3);
    exchanges[2]?.cancellable?.cancel();
    assert.equal(thread.pendingCount, 2);
    await Promise.all(exchanges.slice(0, 2).map((exchange) => exchange.replied()));
    assert.equal(plane.echo.requests.length, 2);
  });

  it("cancels the request between reading and writing", async () => {
    plane.echo.isEchoing = false;
    const arrival = plane.echo.nextRequest();
    const exchange = send(largeRequest());
    const request = await arrival;
    assert.equal(exchange.cancellable, request);
  });

  it("drops the answer for a client that goes away while it is written", async () => {
    plane.echo.isEchoing = false;
    const arrival = plane.echo.nextRequest();
    const exchange = send(largeRequest());
    plane.echo.answer(await arrival);
    assert.equal(thread.pendingCount, 1);
    exchange.cancellable?.cancel();
    plane.echo.isEchoing = true;
    await codecIdle();
    assert.equal(exchange.statusLine, null);
  });

  it("answers with 500 what a thread held that died, and reports it", async () => {
    const onBug = (thrown: unknown): void => void bugs.push(thrown);
    const dead = new CodecThread(onBug, new URL("./nowhere.js", import.meta.url));
    endpoint = new InferEndpoint(plane, { maxInputBytes, onBug }, dead);
    const exchange = send(largeRequest());
    await exchange.replied();
    dead.close();
    assert.equal(exchange.statusLine, "500 Internal Server Error");
    assert.match(exchange.body, /ended unexpectedly while it held this request/);
    assert.equal(bugs.splice(0).length, 1);
  });

  it("answers with 503 what the thread still holds when it is closed", async () => {
    const exchange = send(largeRequest());
    thread.close();
    await exchange.replied();
    assert.equal(exchange.statusLine, "503 Service Unavailable");
    const late = send(largeRequest());
    await late.replied();
    assert.equal(late.statusLine, "503 Service Unavailable");
  });
});
