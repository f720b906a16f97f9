import assert from "node:assert/strict";
import { deflateSync, gunzipSync, gzipSync, inflateSync } from "node:zlib";
import { describe, it } from "mocha";
import { InferEndpoint } from "../../../../../server/http/endpoints/infer.ts";
import { CodecThread } from "../../../../../server/http/codec-thread/codec-thread.ts";
import { HeaderForwarder } from "../../../../../server/header-forwarder.ts";
import { bodyPool } from "../../../../../server/http/transport/body-pool.ts";
import { matchRoute } from "../../../../../server/http/router.ts";
import { FakeExchange } from "../../../../helpers/fake-exchange.ts";
import { FakeDataPlane, FakeModel } from "../../../../helpers/fake-data-plane.ts";
import type { Tracer } from "../../../../../server/tracing/tracer.ts";
import { traceConfig, TracerBench } from "../../../../helpers/traced-requests.ts";

const request = JSON.stringify({
  id: "7",
  inputs: [{ name: "INPUT0", datatype: "INT32", shape: [2], data: [1, 2] }],
});

function begin(
  headers: Record<string, string> = {},
  headerForwarder: HeaderForwarder | null = null,
  tracer: Tracer | null = null,
) {
  const plane = new FakeDataPlane();
  if (tracer !== null) plane.tracer = tracer;
  const bugs: unknown[] = [];
  const onBug = (thrown: unknown): void => void bugs.push(thrown);
  const endpoint = new InferEndpoint(
    plane,
    { maxInputBytes: 1000, onBug },
    new CodecThread(onBug),
    headerForwarder,
  );
  const exchange = new FakeExchange(headers);
  const route = matchRoute(`/v2/models/${plane.echo.name}/infer`);
  assert.ok(route !== null);
  endpoint.handle(route, exchange);
  return { plane, exchange, bugs };
}

describe("InferEndpoint, traced", () => {
  const wholeReply = ["HTTP_RECV_START", "HTTP_RECV_END", "HTTP_SEND_START", "HTTP_SEND_END"];

  it("gives the request its trace, which ends with the reply", async () => {
    const bench = await TracerBench.open();
    const { plane, exchange } = begin({}, null, bench.tracer);
    exchange.receive(request);
    const { trace } = plane.echo.lastRequest();
    assert.equal(bench.sink.sampled.length, 0);
    await exchange.replied();
    const [sampled] = bench.sink.sampled;
    assert.equal(sampled?.trace, trace);
    assert.deepEqual(sampled.trace.subject, { modelName: "echo", modelVersion: "1", requestId: "7" });
    assert.deepEqual(
      sampled.transportTimestamps.map(({ name }) => name),
      wholeReply,
    );
  });

  it("ends the trace with a compressed reply, a binary one and a refusal too", async () => {
    const bench = await TracerBench.open();
    const compressed = begin({ "accept-encoding": "gzip" }, null, bench.tracer).exchange;
    compressed.receive(request);
    await compressed.replied();
    const binary = begin({}, null, bench.tracer).exchange;
    binary.receive(request.replace('"id"', '"parameters":{"binary_data_output":true},"id"'));
    await binary.replied();
    const refused = begin({}, null, bench.tracer);
    refused.plane.echo.refusal = { code: "UNAVAILABLE", message: "Full" };
    refused.exchange.receive(request);
    assert.equal(bench.sink.sampled.length, 3);
    for (const { transportTimestamps } of bench.sink.sampled) assert.equal(transportTimestamps.length, 4);
  });

  it("does not count requests that cannot be read", async () => {
    const bench = await TracerBench.open(traceConfig({ rate: 2 }));
    begin({}, null, bench.tracer).exchange.receive("{");
    begin({}, null, bench.tracer).exchange.receive(request);
    assert.deepEqual(bench.sampledOf(1), [1]);
  });

  it("leaves a request that is not sampled without a trace", async () => {
    const bench = await TracerBench.open(traceConfig({ rate: 2 }));
    const { plane, exchange } = begin({}, null, bench.tracer);
    exchange.receive(request);
    assert.equal(plane.echo.lastRequest().trace, null);
  });

  it("reads the client's span from the headers, while they are there", async () => {
    const bench = await TracerBench.open(traceConfig({ rate: 0 }, { mode: "opentelemetry" }));
    const traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    const { exchange } = begin({ traceparent }, null, bench.tracer);
    exchange.receive(request);
    await exchange.replied();
    assert.equal(bench.sink.sampled[0]?.arrival.parent?.spanId, "b7ad6b7169203331");
  });
});

describe("InferEndpoint", () => {
  it("asks the model that is ready when the body has arrived, not when it began", () => {
    const { plane, exchange } = begin();
    const old = plane.echo;
    plane.echo = new FakeModel(old.name);
    plane.echo.isEchoing = false;
    exchange.receive(request);
    assert.deepEqual([old.requests.length, plane.echo.requests.length], [0, 1]);
  });

  it("cancels the request when the client goes away", () => {
    const { plane, exchange } = begin();
    plane.echo.isEchoing = false;
    exchange.receive(request);
    assert.equal(exchange.cancellable, plane.echo.requests[0]);
  });

  it("answers a refusal with its status and the request's id", () => {
    const { plane, exchange } = begin();
    plane.echo.refusal = { code: "UNAVAILABLE", message: "Full" };
    exchange.receive(request);
    assert.equal(exchange.statusLine, "503 Service Unavailable");
    assert.equal(exchange.body, '{"error":"[request id: 7] Full"}');
  });

  it("limits a JSON body by --http-max-input-size, and binary tensors by the format only", () => {
    assert.equal(begin().exchange.maxBytes, 1000);
    assert.equal(begin({ "inference-header-content-length": "10" }).exchange.maxBytes, 2 ** 31 - 1);
  });

  for (const text of ["-1", "99999999999", "x"]) {
    it(`refuses the header length ${text} when the body has arrived`, () => {
      const { exchange } = begin({ "inference-header-content-length": text });
      assert.equal(exchange.statusLine, null);
      exchange.receive(request);
      assert.equal(exchange.statusLine, "400 Bad Request");
    });
  }

  it("refuses a content encoding that is not known, and says which ones are", () => {
    const { exchange } = begin({ "content-encoding": "br" });
    exchange.receive("…");
    assert.equal(exchange.statusLine, "501 Not Implemented");
    assert.deepEqual(exchange.replyHeaders, {
      "Content-Type": "application/json",
      "Accept-Encoding": "gzip, deflate",
    });
  });

  it("asks for the model before it decompresses", () => {
    const plane = new FakeDataPlane();
    const endpoint = new InferEndpoint(
      plane,
      { maxInputBytes: 1000, onBug: assert.ifError },
      new CodecThread(assert.ifError),
    );
    const exchange = new FakeExchange({ "content-encoding": "gzip" });
    const route = matchRoute("/v2/models/nowhere/infer");
    assert.ok(route !== null);
    endpoint.handle(route, exchange);
    exchange.receive("no gzip");
    assert.equal(exchange.statusLine, "404 Not Found");
  });

  it("decompresses the request and compresses the response, each by its own header", async () => {
    const { exchange } = begin({ "content-encoding": "deflate", "accept-encoding": "gzip" });
    exchange.receive(deflateSync(request));
    await exchange.replied();
    assert.equal(exchange.statusLine, "200 OK");
    assert.deepEqual(exchange.replyHeaders, {
      "Content-Type": "application/json",
      "Content-Encoding": "gzip",
    });
    assert.match(gunzipSync(exchange.bytes).toString(), /"data":\[1,2\]/);
  });

  it("compresses the whole of a binary response, and tells the length of its JSON as it was", async () => {
    const { exchange } = begin({ "accept-encoding": "deflate" });
    exchange.receive(request.replace('"inputs"', '"parameters":{"binary_data_output":true},"inputs"'));
    await exchange.replied();
    const body = inflateSync(exchange.bytes);
    const jsonBytes = Number(exchange.replyHeaders["Inference-Header-Content-Length"]);
    assert.equal(exchange.replyHeaders["Content-Type"], "application/octet-stream");
    assert.match(body.toString("utf8", 0, jsonBytes), /^\{.*"binary_data_size":8.*\}$/);
    assert.deepEqual([...body.subarray(jsonBytes)], [1, 0, 0, 0, 2, 0, 0, 0]);
  });

  it("limits a compressed binary body, and what comes out of it, by --http-max-input-size", async () => {
    const { exchange } = begin({ "content-encoding": "gzip", "inference-header-content-length": "10" });
    assert.ok(exchange.maxBytes < 100_000);
    exchange.receive(gzipSync(Buffer.alloc(1001)));
    await exchange.replied();
    assert.equal(exchange.statusLine, "400 Bad Request");
    assert.match(exchange.body, /--http-max-input-size/);
  });

  it("does not infer for a client that goes away while its body is decompressed", async () => {
    const { plane, exchange } = begin({ "content-encoding": "gzip" });
    exchange.receive(gzipSync(request));
    exchange.cancellable?.cancel();
    // A second body, decompressed after the first one.
    const other = begin({ "content-encoding": "gzip" });
    other.exchange.receive(gzipSync(request));
    await other.exchange.replied();
    assert.deepEqual([exchange.statusLine, plane.echo.requests.length], [null, 0]);
  });

  it("asks again for the model that is ready after the decompression", async () => {
    const { plane, exchange } = begin({ "content-encoding": "gzip" });
    exchange.receive(gzipSync(request));
    const old = plane.echo;
    plane.echo = new FakeModel(old.name);
    await exchange.replied();
    assert.deepEqual([old.requests.length, plane.echo.requests.length], [0, 1]);
  });

  it("says which limit an upload is beyond", () => {
    const tooMany = begin().exchange;
    tooMany.exceed("chunks");
    assert.match(tooMany.body, /65536 chunks/);
    const tooLarge = begin().exchange;
    tooLarge.exceed("bytes");
    assert.match(tooLarge.body, /1000 bytes: raise --http-max-input-size/);
    assert.deepEqual([tooMany.statusLine, tooLarge.statusLine], ["400 Bad Request", "400 Bad Request"]);
  });

  it("carries forwarded headers as parameters", () => {
    const forwarder = new HeaderForwarder("^x-");
    const body = JSON.stringify({ parameters: { own: 7 }, ...(JSON.parse(request) as object) });
    const { plane, exchange } = begin({ "x-team": "red", other: "1" }, forwarder);
    plane.echo.isEchoing = false;
    exchange.receive(body);
    const { parameters } = plane.echo.lastRequest();
    assert.deepEqual(
      [...(parameters ?? [])],
      [
        ["own", 7],
        ["x-team", "red"],
      ],
    );
  });

  it("§12.3-63: refuses a forwarded header with a reserved name", () => {
    const { plane, exchange } = begin({ triton_x: "1" }, new HeaderForwarder("triton"));
    exchange.receive(request);
    assert.equal(exchange.statusLine, "400 Bad Request");
    assert.match(exchange.body, /'triton_x'.* is reserved for Triton usage/);
    assert.equal(plane.echo.requests.length, 0);
  });

  it("answers an unexpected error without its text, and reports it", () => {
    const { plane, exchange, bugs } = begin();
    plane.echo.infer = () => {
      throw new Error("secret");
    };
    exchange.receive(request);
    assert.equal(exchange.statusLine, "500 Internal Server Error");
    assert.doesNotMatch(exchange.body, /secret/);
    assert.equal(bugs.length, 1);
  });

  it("gives a body's memory to another one when the request has ended, and not before", () => {
    const plane = new FakeDataPlane();
    const onBug = assert.ifError;
    const endpoint = new InferEndpoint(plane, { maxInputBytes: 1000, onBug }, new CodecThread(onBug));
    const route = matchRoute("/v2/models/echo/infer");
    assert.ok(route !== null);
    const byteCount = 200_000;
    const header = `{"inputs":[{"name":"INPUT0","datatype":"UINT8","shape":[${byteCount}],"parameters":{"binary_data_size":${byteCount}}}]}`;
    const exchange = new FakeExchange({ "inference-header-content-length": String(header.length) });
    plane.echo.isEchoing = false;
    endpoint.handle(route, exchange);
    exchange.receive(Buffer.concat([Buffer.from(header), Buffer.alloc(byteCount, 7)]));
    const request = plane.echo.lastRequest();
    const isFree = (): boolean => {
      const taken = Array.from({ length: 9 }, () => bodyPool.take(byteCount).buffer);
      return taken.some((buffer) => buffer === request.inputs[0]?.data.buffer);
    };
    assert.equal(isFree(), false);
    request.fail({ code: "UNAVAILABLE", message: "Full" });
    assert.equal(exchange.statusLine, "503 Service Unavailable");
    assert.equal(isFree(), true);
    assert.equal(isFree(), false);
  });
});
