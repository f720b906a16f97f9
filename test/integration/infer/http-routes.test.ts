import assert from "node:assert/strict";
import { connect } from "node:net";
import { describe, it } from "mocha";
import { useServer } from "../../helpers/start-server.ts";
import { sampleRepository, simpleRequest } from "./simple-models.ts";

describe("HTTP routes", () => {
  const server = useServer(() => [`--model-repository=${sampleRepository}`]);

  for (const path of ["/v2/health/live", "/v2/health/ready", "/v2/models/simple/ready"]) {
    it(`GET ${path} is 200 without a body`, async () => {
      const reply = await server.current.http.get(path);
      assert.deepEqual([reply.status, reply.text], [200, ""]);
    });
  }

  it("GET /v2 tells name, version and extensions", async () => {
    const metadata = (await server.current.http.get("/v2")).json() as Record<string, unknown>;
    assert.deepEqual(Object.keys(metadata), ["name", "version", "extensions"]);
    assert.equal(metadata["name"], "nereid");
    assert.match(String(metadata["version"]), /^\d+\.\d+\.\d+/);
    assert.ok((metadata["extensions"] as string[]).includes("binary_tensor_data"));
  });

  it("a model's metadata have its inputs and outputs with the batch dimension", async () => {
    const reply = await server.current.http.get("/v2/models/simple/versions/1");
    const tensor = (name: string) => ({ name, datatype: "INT32", shape: [-1, 16] });
    assert.deepEqual(reply.json(), {
      name: "simple",
      versions: ["1"],
      platform: "onnxruntime_onnx",
      inputs: [tensor("INPUT0"), tensor("INPUT1")],
      outputs: [tensor("OUTPUT0"), tensor("OUTPUT1")],
    });
  });

  it("a model without config is served with a complete config", async () => {
    const config = (await server.current.http.get("/v2/models/diabetes/config")).json() as {
      backend: string;
      max_batch_size: number;
      input: { data_type: string; dims: number[] }[];
      dynamic_batching?: object;
    };
    assert.equal(config.backend, "onnxruntime");
    assert.equal(config.max_batch_size, 4);
    assert.equal(config.input[0]?.data_type, "TYPE_FP32");
    assert.ok(config.dynamic_batching !== undefined);
  });

  it("a query belongs to no path", async () => {
    assert.equal((await server.current.http.get("/v2/models/simple?verbose=1")).status, 200);
  });

  const unknownPaths = ["/", "/v3", "/v2/", "/v2/models", "/v2/models/simple/", "/v2/nothing"];
  for (const path of [
    ...unknownPaths,
    "/v2/models/simple/versions/v1",
    "/v2/models/simple/versions/1/trace/setting",
  ]) {
    it(`GET ${path} is 404`, async () => {
      const reply = await server.current.http.get(path);
      assert.deepEqual([reply.status, reply.error], [404, "Not Found"]);
    });
  }

  const wrongMethods: readonly (readonly [string, string])[] = [
    ["GET", "/v2/models/simple/infer"],
    ["PUT", "/v2/models/simple/infer"],
    ["POST", "/v2"],
    ["DELETE", "/v2/models/simple"],
    ["POST", "/v2/health/live"],
    ["POST", "/v2/models/simple/config"],
  ];
  for (const [method, path] of wrongMethods) {
    it(`${method} ${path} is 405`, async () => {
      const reply = await server.current.http.request(method, path);
      assert.deepEqual([reply.status, reply.error], [405, "Method Not Allowed"]);
    });
  }

  for (const what of [
    "nowhere",
    "nowhere/config",
    "nowhere/ready",
    "simple/versions/9",
    "simple/versions/9/config",
  ]) {
    it(`GET /v2/models/${what} is 404 and names the model`, async () => {
      const reply = await server.current.http.get(`/v2/models/${what}`);
      assert.equal(reply.status, 404);
      assert.match(reply.error, /^Request for unknown model: '(nowhere|simple)'/);
    });
  }

  const metadata = "GET /v2/models/simple HTTP/1.1\r\nHost: x\r\n\r\n";
  const body = JSON.stringify(simpleRequest());
  const infer = `POST /v2/models/simple/infer HTTP/1.1\r\nHost: x\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
  /** What comes back for bytes sent in one packet, until `isEnough` or the server closes the connection. */
  async function exchange(sent: string, isEnough: (received: string) => boolean): Promise<string> {
    const { hostname, port } = new URL(server.current.http.baseUrl);
    const socket = connect(Number(port), hostname);
    socket.write(sent);
    let received = "";
    for await (const chunk of socket) {
      received += String(chunk);
      if (isEnough(received)) break;
    }
    socket.destroy();
    return received;
  }

  it("HEAD is answered without a body, so that the next reply on the connection is read from its start", async () => {
    const head = "HEAD /v2/models/simple HTTP/1.1\r\nHost: x\r\n\r\n";
    const received = await exchange(head + metadata, (text) => text.includes('"platform"'));
    assert.match(received, /^HTTP\/1\.1 405 [^{]*\r\n\r\nHTTP\/1\.1 200 /);
  });

  it("requests in one packet are answered one after the other", async () => {
    const received = await exchange(metadata + metadata + infer, (text) => text.includes('"model_version"'));
    assert.equal(received.split("HTTP/1.1 200 OK").length - 1, 3);
    assert.ok(received.lastIndexOf('"platform"') < received.indexOf('"model_name"'));
  });

  it("a request behind one that is not answered yet is answered after it, or closes the connection", async () => {
    // Which of the two depends on the library that carries HTTP; the answers must never be mixed up.
    const received = await exchange(infer + metadata, (text) => text.includes('"platform"'));
    const order = [received.indexOf('"model_version"'), received.indexOf('"platform"')] as const;
    assert.ok(received === "" || (order[0] > 0 && order[1] > order[0]), received);
    assert.equal((await server.current.http.get("/v2/health/ready")).status, 200);
  });
});
