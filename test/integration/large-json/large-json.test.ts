import assert from "node:assert/strict";
import { gunzipSync, gzipSync } from "node:zlib";
import { describe, it } from "mocha";
import { identityModel } from "../../../tools/onnx-builder/model-zoo.ts";
import { inferResponse } from "../../helpers/binary-infer.ts";
import { HttpReply } from "../../helpers/http-client.ts";
import { RunningServer, useServer } from "../../helpers/start-server.ts";
import { useRepository } from "../../helpers/temporary-repository.ts";

const elementCount = 150_000;
const values = Array.from({ length: elementCount }, (_, i) => Math.fround(Math.sin(i)));
const text = JSON.stringify({
  id: "large",
  inputs: [{ name: "INPUT0", datatype: "FP32", shape: [1, elementCount], data: values }],
});
const infer = "/v2/models/large/infer";

describe("Large JSON over HTTP", () => {
  const repository = useRepository((models) => {
    models.add("large", { versions: { 1: identityModel("FP32", ["batch", elementCount]) } });
    models.add("strings", { versions: { 1: identityModel("BYTES", ["batch", "n"]) } });
  });
  const server = useServer(() => [
    `--model-repository=${repository.current.path}`,
    "--model-control-mode=explicit",
    "--load-model=*",
  ]);

  it("is read and written exactly", async () => {
    assert.ok(text.length > 2_000_000);
    const response = inferResponse(await server.current.http.post(infer, text));
    assert.equal(response.id, "large");
    assert.deepEqual(response.outputs[0]?.data, values);
  });

  it("is read and written exactly when it is compressed", async () => {
    const headers = { "Content-Encoding": "gzip", "Accept-Encoding": "gzip" };
    const reply = await server.current.http.post(infer, gzipSync(text, { level: 1 }), { headers });
    assert.equal(reply.status, 200, reply.text);
    const plain = new HttpReply(reply.status, reply.headers, gunzipSync(reply.body));
    assert.deepEqual(inferResponse(plain).outputs[0]?.data, values);
  });

  it("carries strings", async () => {
    const data = Array.from({ length: 30_000 }, (_, i) => `ß"${i}\n`);
    const response = inferResponse(
      await server.current.http.post("/v2/models/strings/infer", {
        inputs: [{ name: "INPUT0", datatype: "BYTES", shape: [1, data.length], data }],
      }),
    );
    assert.deepEqual(response.outputs[0]?.data, data);
  });

  it("is refused in the words of small requests", async () => {
    const reply = await server.current.http.post(infer, text.slice(0, -2));
    assert.equal(reply.status, 400);
    assert.match(reply.error, /^failed to parse the request JSON buffer: .* at byte \d+$/);
    const short = await server.current.http.post(infer, text.replace("0,", ""));
    assert.equal(short.status, 400);
    assert.match(short.error, /shape does not match true shape of the data of input 'INPUT0'/);
  });

  it("answers many clients, each with its own", async () => {
    const replies = await Promise.all(
      Array.from({ length: 6 }, (_, i) =>
        server.current.http.post(infer, text.replace('"large"', `"client ${i}"`)),
      ),
    );
    for (const [i, reply] of replies.entries()) {
      const response = inferResponse(reply);
      assert.equal(response.id, `client ${i}`);
      assert.equal((response.outputs[0]?.data as number[]).length, elementCount);
    }
  });

  it("is dropped when its clients go away, and the next one is served", async () => {
    const controller = new AbortController();
    const gone = Array.from({ length: 6 }, () =>
      server.current.http.post(infer, text, { signal: controller.signal }).catch((error: unknown) => error),
    );
    // They are somewhere between their body's first byte and their answer.
    await server.current.http.post(infer, text);
    controller.abort();
    await Promise.all(gone);
    assert.deepEqual(inferResponse(await server.current.http.post(infer, text)).outputs[0]?.data, values);
  });

  it("is answered, or refused as not found, while its model is unloaded and loaded", async () => {
    const http = server.current.http;
    const before = Array.from({ length: 4 }, () => http.post(infer, text));
    assert.equal((await http.post("/v2/repository/models/large/unload", "{}")).status, 200);
    assert.equal((await http.post("/v2/repository/models/large/load", "{}")).status, 200);
    const after = http.post(infer, text);
    for (const reply of await Promise.all(before)) {
      if (reply.status !== 200) assert.ok([400, 404, 503].includes(reply.status), reply.text);
    }
    assert.deepEqual(inferResponse(await after).outputs[0]?.data, values);
  });

  it("is answered by a server that was told to end meanwhile", async () => {
    const ending = await RunningServer.start([`--model-repository=${repository.current.path}`]);
    try {
      const replies = Array.from({ length: 4 }, () => ending.http.post(infer, text));
      await Promise.race(replies);
      ending.process.signal("SIGTERM");
      for (const reply of await Promise.all(replies)) {
        assert.deepEqual(inferResponse(reply).outputs[0]?.data, values);
      }
      assert.equal((await ending.process.ended).code, 0, ending.log);
    } finally {
      await ending.kill();
    }
  });
});
