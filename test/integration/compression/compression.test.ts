import assert from "node:assert/strict";
import { connect } from "node:net";
import { deflateSync, gunzipSync, gzipSync, inflateSync } from "node:zlib";
import { afterEach, describe, it } from "mocha";
import { binaryOutputs, binaryRequest, inferResponse, jsonLengthHeader } from "../../helpers/binary-infer.ts";
import { HttpReply } from "../../helpers/http-client.ts";
import { useServer } from "../../helpers/start-server.ts";
import { waitUntil } from "../../helpers/wait-until.ts";
import { first, int32Tensor, sampleRepository, second, simpleRequest, sums } from "../infer/simple-models.ts";

const maxInputBytes = 100_000;
const path = "/v2/models/simple/infer";
const encode = { gzip: gzipSync, deflate: deflateSync };
const decode = { gzip: gunzipSync, deflate: inflateSync };
const json = Buffer.from(JSON.stringify(simpleRequest()));
const binary = binaryRequest([int32Tensor("INPUT0", first), int32Tensor("INPUT1", second)]);

/** The reply as it was before it was compressed. */
function plain(reply: HttpReply, encoding: "gzip" | "deflate"): HttpReply {
  assert.equal(reply.status, 200, reply.text);
  assert.equal(reply.headers["content-encoding"], encoding);
  return new HttpReply(reply.status, reply.headers, decode[encoding](reply.body));
}

describe("Compression over HTTP", () => {
  const server = useServer(() => [
    `--model-repository=${sampleRepository}`,
    `--http-max-input-size=${maxInputBytes}`,
  ]);

  afterEach("nothing is left pending", async () => {
    assert.equal((await server.current.metrics()).sum("nv_inference_pending_request_count"), 0);
  });

  for (const request of ["gzip", "deflate"] as const) {
    for (const response of ["gzip", "deflate"] as const) {
      it(`a ${request} request is answered with ${response} when that is asked for (row 24)`, async () => {
        const headers = { "Content-Encoding": request, "Accept-Encoding": response };
        const reply = plain(
          await server.current.http.post(path, encode[request](json), { headers }),
          response,
        );
        assert.deepEqual((reply.json() as { outputs: { data: unknown }[] }).outputs[0]?.data, sums);
        assert.equal(reply.headers["content-type"], "application/json");
        assert.equal(reply.headers[jsonLengthHeader.toLowerCase()], undefined);
      });
    }

    it(`binary tensors are compressed with ${request} as a whole, both ways`, async () => {
      const headers = { ...binary.headers, "Content-Encoding": request, "Accept-Encoding": request };
      const reply = await server.current.http.post(path, encode[request](binary.body), { headers });
      assert.deepEqual(
        binaryOutputs(plain(reply, request)).get("OUTPUT0"),
        Buffer.from(Int32Array.from(sums).buffer),
      );
    });

    it(`${request} in chunks, without a length, is served (row 6)`, async () => {
      const body = encode[request](json);
      const chunks = [body.subarray(0, 20), body.subarray(20, 21), body.subarray(21)];
      const reply = await server.current.http.postInChunks(path, chunks, { "Content-Encoding": request });
      assert.deepEqual(inferResponse(reply).outputs[0]?.data, sums);
      assert.equal(reply.headers["content-encoding"], undefined);
    });

    it(`a ${request} body of exactly --http-max-input-size is served, a longer one is not (row 17)`, async () => {
      const room = maxInputBytes - JSON.stringify(simpleRequest({ padding: "" })).length;
      for (const [surplus, status] of [
        [0, 200],
        [1, 400],
      ] as const) {
        const body = JSON.stringify(simpleRequest({ padding: "x".repeat(room + surplus) }));
        const headers = { "Content-Encoding": request };
        const reply = await server.current.http.post(path, encode[request](body), { headers });
        assert.equal(reply.status, status, reply.text);
        if (status === 400) assert.match(reply.error, /--http-max-input-size/);
      }
    });

    it(`a ${request} bomb is refused (row 18)`, async () => {
      const bomb = encode[request](Buffer.alloc(64 * 1024 * 1024, " "));
      const reply = await server.current.http.post(path, bomb, { headers: { "Content-Encoding": request } });
      assert.equal(reply.status, 400);
      assert.match(reply.error, /--http-max-input-size/);
    });
  }

  it("an encoding that is not known is answered with those that are (row 7)", async () => {
    const reply = await server.current.http.post(path, json, { headers: { "Content-Encoding": "br" } });
    assert.equal(reply.status, 501);
    assert.match(reply.error, /'br' is not supported/);
    assert.equal(reply.headers["accept-encoding"], "gzip, deflate");
  });

  it("errors are not compressed", async () => {
    const reply = await server.current.http.post(path, "{", { headers: { "Accept-Encoding": "gzip" } });
    assert.equal(reply.status, 400);
    assert.notEqual(reply.error, "");
  });

  it("clients that go away while their bodies are decompressed leave nothing behind", async () => {
    const bomb = gzipSync(Buffer.alloc(64 * 1024 * 1024, " "));
    const { hostname, port } = new URL(server.current.addresses.http);
    const head = `POST ${path} HTTP/1.1\r\nHost: x\r\nContent-Encoding: gzip\r\nContent-Length: `;
    let closedCount = 0;
    for (let i = 0; i < 8; i++) {
      const body = i % 2 === 0 ? bomb : gzipSync(json);
      const socket = connect(Number(port), hostname, () => {
        socket.write(`${head}${body.byteLength}\r\n\r\n`);
        socket.write(body, () => socket.resetAndDestroy());
      });
      socket.on("error", () => undefined);
      socket.on("close", () => closedCount++);
    }
    await waitUntil("all connections are closed", () => Promise.resolve(closedCount === 8));
    const reply = await server.current.http.post(path, json);
    assert.equal(reply.status, 200, reply.text);
  });
});
