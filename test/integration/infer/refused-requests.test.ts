import assert from "node:assert/strict";
import { connect } from "node:net";
import { afterEach, describe, it } from "mocha";
import { inferResponse } from "../../helpers/binary-infer.ts";
import { useServer } from "../../helpers/start-server.ts";
import { waitUntil } from "../../helpers/wait-until.ts";
import { refusedRequests } from "./refused-request-cases.ts";
import { int32Json, sampleRepository, simpleRequest, sums } from "./simple-models.ts";

const maxInputBytes = 100_000;

describe("Refused requests over HTTP", () => {
  const server = useServer(() => [
    `--model-repository=${sampleRepository}`,
    `--http-max-input-size=${maxInputBytes}`,
  ]);

  afterEach("the server goes on serving, and nothing is left pending", async () => {
    const reply = await server.current.http.post("/v2/models/simple/infer", simpleRequest());
    assert.deepEqual(inferResponse(reply).outputs[0]?.data, sums);
    assert.equal((await server.current.metrics()).sum("nv_inference_pending_request_count"), 0);
  });

  for (const { what, model, body, headers, status, error } of refusedRequests) {
    it(`${what} is refused with ${status}`, async () => {
      const path = `/v2/models/${model ?? "simple"}/infer`;
      const reply = await server.current.http.post(path, body, headers === undefined ? {} : { headers });
      assert.equal(reply.status, status, reply.text);
      assert.match(reply.error, error);
      assert.equal(reply.headers["content-type"], "application/json");
    });
  }

  it("the id of a refused request is in the message", async () => {
    const request = simpleRequest({ id: "job-17", outputs: [{ name: "OUTPUT9" }] });
    const reply = await server.current.http.post("/v2/models/simple/infer", request);
    assert.match(reply.error, /^\[request id: job-17\] unexpected inference output/);
  });

  it("a body over --http-max-input-size is refused by that name, announced or chunked", async () => {
    const tooLarge = JSON.stringify(simpleRequest({ padding: "x".repeat(maxInputBytes) }));
    const announced = await server.current.http.post("/v2/models/simple/infer", tooLarge);
    assert.equal(announced.status, 400);
    assert.match(announced.error, /--http-max-input-size/);
    const chunks = [Buffer.from(tooLarge.slice(0, 60_000)), Buffer.from(tooLarge.slice(60_000))];
    const chunked = await server.current.http.postInChunks("/v2/models/simple/infer", chunks, {});
    assert.equal(chunked.status, 400);
    assert.match(chunked.error, /--http-max-input-size/);
  });

  it("a body just under --http-max-input-size is served", async () => {
    const room = maxInputBytes - JSON.stringify(simpleRequest({ padding: "" })).length;
    const body = JSON.stringify(simpleRequest({ padding: "x".repeat(room) }));
    assert.equal(body.length, maxInputBytes);
    const reply = await server.current.http.post("/v2/models/simple/infer", body);
    assert.equal(reply.status, 200, reply.text);
  });

  it("a text tensor that JSON makes larger than --http-max-input-size is refused (row 19)", async () => {
    // One character of JSON and a comma become five bytes of a BYTES tensor.
    const count = 24_000;
    const input = int32Json("INPUT0", [], {
      datatype: "BYTES",
      shape: [1, count],
      data: new Array(count).fill(""),
    });
    const reply = await server.current.http.post("/v2/models/simple_identity/infer", { inputs: [input] });
    assert.equal(reply.status, 200, reply.text);
    const larger = int32Json("INPUT0", [], {
      datatype: "BYTES",
      shape: [1, 30_000],
      data: new Array(30_000).fill(""),
    });
    const refused = await server.current.http.post("/v2/models/simple_identity/infer", { inputs: [larger] });
    assert.equal(refused.status, 400, refused.text);
    assert.match(refused.error, /exceeds the maximum allowed input size/);
  });

  it("a connection that breaks off inside a body leaves no trace", async () => {
    const { hostname, port } = new URL(server.current.http.baseUrl);
    const socket = connect(Number(port), hostname);
    await new Promise<void>((resolve) => socket.once("connect", resolve));
    socket.write("POST /v2/models/simple/infer HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n{");
    await waitUntil("the bytes are out", () => socket.bytesWritten > 60 && socket.writableLength === 0);
    socket.destroy();
  });

  it("bytes that are no request, sent to any of the ports, end their connection alone", async () => {
    const { http, grpc, metrics } = server.current.addresses;
    const ports = [http, `http://${grpc}`, metrics].map((address) => Number(new URL(address).port));
    for (const port of ports) {
      const socket = connect(port, "127.0.0.1");
      socket.on("error", () => undefined);
      socket.write(Buffer.from("\0\xff\x16\x03 not HTTP at all\r\n\r\n\r\n", "latin1"));
      socket.resume();
      socket.end();
      await new Promise<void>((resolve) => socket.once("close", () => resolve()));
    }
    assert.deepEqual(await server.current.grpc.call("ServerLive", {}), { live: true });
  });
});
