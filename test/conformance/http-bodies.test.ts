import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { connect } from "node:net";
import { describe, it } from "mocha";
import { identityModel } from "../../tools/onnx-builder/model-zoo.ts";
import {
  binaryOutputs,
  binaryRequest,
  inferResponse,
  joinRequest,
  jsonLengthHeader,
} from "../helpers/binary-infer.ts";
import { rowModelConfig } from "../helpers/fp32-rows.ts";
import { failureOf } from "../helpers/grpc-client.ts";
import type { HttpReply } from "../helpers/http-client.ts";
import { useServer } from "../helpers/start-server.ts";
import { useRepository } from "../helpers/temporary-repository.ts";
import {
  first,
  int32Json,
  int32Tensor,
  sampleRepository,
  second,
  simpleRequest,
  sums,
} from "../integration/infer/simple-models.ts";

/** `Inference-Header-Content-Length: 0`: the body is one tensor. */
const raw = { [jsonLengthHeader]: "0" };
const maxInputBytes = 1_000_000;
const maxChunkCount = 65_536;
const simplePath = "/v2/models/simple/infer";

function tensorConfig(dataType: string, dims: readonly number[]): object {
  const tensor = { data_type: dataType, dims };
  return {
    backend: "onnxruntime",
    max_batch_size: 0,
    input: [{ name: "INPUT0", ...tensor }],
    output: [{ name: "OUTPUT0", ...tensor }],
  };
}

describe("Contract §12.1, HTTP transport and bodies", () => {
  const repository = useRepository((made) => {
    const add = (name: string, config: object, model: Uint8Array): void =>
      made.add(name, { config, versions: { 1: model } });
    add("one_variable", tensorConfig("TYPE_INT32", [2, -1]), identityModel("INT32", [2, "n"]));
    add("two_variable", tensorConfig("TYPE_INT32", [-1, -1]), identityModel("INT32", ["m", "n"]));
    add("one_text", tensorConfig("TYPE_STRING", [1]), identityModel("BYTES", [1]));
    add("two_texts", tensorConfig("TYPE_STRING", [2]), identityModel("BYTES", [2]));
    const batching = { preferred_batch_size: [2], max_queue_delay_microseconds: 100 };
    const fields = { dynamic_batching: batching, version_policy: { specific: { versions: [1] } } };
    add("configured", rowModelConfig(fields), identityModel("FP32"));
  });
  const server = useServer(() => [
    `--model-repository=${sampleRepository}`,
    `--model-repository=${repository.current.path}`,
    `--http-max-input-size=${maxInputBytes}`,
  ]);

  const post = (path: string, body: object | string | Uint8Array, headers = {}): Promise<HttpReply> =>
    server.current.http.post(path, body, { headers });

  async function refused(reply: Promise<HttpReply>, status: number, error: RegExp): Promise<void> {
    const { status: got, text, headers } = await reply;
    assert.equal(got, status, text);
    assert.match((await reply).error, error);
    assert.equal(headers["content-type"], "application/json");
  }

  /** What a server sends for bytes on one connection, until it closes that or has sent a whole reply. */
  async function exchange(...parts: readonly (string | Uint8Array)[]): Promise<string> {
    const { hostname, port } = new URL(server.current.http.baseUrl);
    const socket = connect(Number(port), hostname);
    socket.on("error", () => undefined);
    for (const part of parts) socket.write(part);
    let received = "";
    for await (const chunk of socket) {
      received += String(chunk);
      if (/\r\n\r\n.*\}$/s.test(received)) break;
    }
    socket.destroy();
    return received;
  }

  it("a raw tensor's one variable dimension is found from its size (row 1)", async () => {
    const bytes = Buffer.from(Int32Array.of(1, 2, 3, 4, 5, 6).buffer);
    const reply = await post("/v2/models/one_variable/infer", bytes, raw);
    assert.deepEqual(inferResponse(reply).outputs[0]?.shape, [2, 3]);
    assert.deepEqual(binaryOutputs(reply).get("OUTPUT0"), bytes);
  });

  it("a raw body for a BYTES model of shape [1] is one text, without its length (row 2)", async () => {
    const reply = await post("/v2/models/one_text/infer", Buffer.from("hällo"), raw);
    assert.deepEqual(inferResponse(reply).outputs[0]?.shape, [1]);
    const output = binaryOutputs(reply).get("OUTPUT0");
    assert.deepEqual(output?.subarray(4).toString(), "hällo");
    assert.equal(output.readUInt32LE(0), 6);
  });

  it("a raw body for a BYTES model of another shape is refused (row 3)", async () => {
    const error = /For BYTE datatype raw input.*the model must have input shape \[1\]/;
    await refused(post("/v2/models/two_texts/infer", Buffer.from("a"), raw), 400, error);
  });

  it("a raw tensor with two variable dimensions is refused (row 4)", async () => {
    const error = /can not be deduced because there are more than one variable-sized dimension/;
    await refused(post("/v2/models/two_variable/infer", Buffer.alloc(16), raw), 400, error);
  });

  it("a raw tensor for a model with two inputs is refused (row 5)", async () => {
    await refused(post(simplePath, Buffer.alloc(64), raw), 400, /must only have 1 input/);
  });

  const input0 = (changes: object): object => ({
    inputs: [int32Json("INPUT0", first, { ...changes }), int32Json("INPUT1", second)],
  });

  it("a shape with more elements than 64 bits count is refused (row 9)", async () => {
    const error = /causes total element count to exceed maximum size/;
    await refused(post(simplePath, input0({ shape: [2 ** 32, 2 ** 32] })), 400, error);
  });

  it("a shape with more bytes than 64 bits count is refused (row 10)", async () => {
    const { body, headers } = joinRequest(
      input0({ shape: [2 ** 31, 2 ** 31], data: undefined, parameters: { binary_data_size: 64 } }),
      [Buffer.alloc(64)],
    );
    await refused(post(simplePath, body, headers), 400, /byte size overflow for input/);
  });

  it("a negative dimension is the client's mistake, and the text names the shape (row 11)", async () => {
    await refused(post(simplePath, input0({ shape: [1, -16] })), 400, /Unable to parse 'shape'/);
  });

  it("a header length beyond 32 bits is refused (row 12)", async () => {
    const error = /Unable to parse Inference-Header-Content-Length/;
    await refused(post(simplePath, "{}", { [jsonLengthHeader]: "99999999999" }), 400, error);
  });

  /** Memory of the server's process; 0 where the system does not show it. */
  function residentBytes(): number {
    const file = `/proc/${server.current.process.pid}/status`;
    const kilobytes = existsSync(file) ? /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(file, "utf8"))?.[1] : "0";
    return Number(kilobytes) * 1024;
  }

  it("a header length that is negative or larger than the body is refused, and costs no memory (row 13)", async () => {
    const error = /inference header size should be in range/;
    const body = Buffer.alloc(100_000, "{");
    const tryAll = async (count: number): Promise<void> => {
      for (let i = 0; i < count; i++) {
        const length = ["-1", "-2147483647", "100001", "2147483647"][i % 4] ?? "";
        await refused(post(simplePath, body, { [jsonLengthHeader]: length }), 400, error);
      }
    };
    await tryAll(500);
    const before = residentBytes();
    await tryAll(3000);
    // 300 MB have arrived meanwhile: none of it is kept.
    assert.ok(residentBytes() - before < 100_000_000, `${residentBytes() - before} bytes more`);
  });

  it("an output that is asked for twice is refused, over both protocols (row 14)", async () => {
    const outputs = [{ name: "OUTPUT0" }, { name: "OUTPUT0" }];
    const error = /output 'OUTPUT0' already exists in request/;
    await refused(post(simplePath, simpleRequest({ outputs })), 400, error);
    const inputs = ["INPUT0", "INPUT1"].map((name) => ({ name, datatype: "INT32", shape: [1, 16] }));
    const request = {
      model_name: "simple",
      inputs,
      outputs,
      raw_input_contents: [first, second].map(bytesOf),
    };
    const { code, message } = await failureOf(server.current.grpc.infer(request));
    assert.equal(code, 3);
    assert.match(message, error);
  });

  const nested = (depth: number, values: string): string =>
    `${"[".repeat(depth)}${values}${"]".repeat(depth)}`;
  const input1 = `{"name":"INPUT1","datatype":"INT32","shape":[1,16],"data":[${second.join()}]}`;
  const withData = (data: string): string =>
    `{"inputs":[{"name":"INPUT0","datatype":"INT32","shape":[1,16],"data":${data}},${input1}]}`;

  it("data nested 120 deep is refused, 50 deep is read (row 15)", async () => {
    const { outputs } = inferResponse(await post(simplePath, withData(nested(50, first.join()))));
    assert.deepEqual(outputs[0]?.data, sums);
    await refused(post(simplePath, withData(nested(120, first.join()))), 400, /JSON nesting depth exceeds/);
    for (const [datatype, value] of [
      ["BOOL", "true"],
      ["BYTES", '"a"'],
      ["FP32", "0.5"],
      ["UINT64", "1"],
    ] as const) {
      const data = nested(120, value);
      const body = `{"inputs":[{"name":"INPUT0","datatype":"${datatype}","shape":[1],"data":${data}}]}`;
      await refused(post("/v2/models/simple_identity/infer", body), 400, /JSON nesting depth exceeds/);
    }
  });

  it("an index request with thousands of nested lists is refused (row 16)", async () => {
    // Deep and shallow: the nesting limit speaks for the first, the member's type for the others.
    for (const depth of [5000, 400_000]) {
      const body = `{"ready":${nested(depth, "")}}`;
      await refused(post("/v2/repository/index", body), 400, /expected a boolean|nesting/i);
    }
    const lists = `[${new Array<string>(50_000).fill("[]").join()}]`;
    for (const ready of ["[[]]", nested(50, ""), lists]) {
      await refused(post("/v2/repository/index", `{"ready":${ready}}`), 400, /expected a boolean/);
    }
    assert.equal((await post("/v2/repository/index", '{"ready":true}')).status, 200);
  });

  it("a body is served up to --http-max-input-size, as JSON and raw (row 17)", async () => {
    const room = maxInputBytes - JSON.stringify(simpleRequest({ padding: "" })).length;
    const json = (surplus: number): object => simpleRequest({ padding: "x".repeat(room + surplus) });
    assert.equal((await post(simplePath, json(0))).status, 200);
    await refused(post(simplePath, json(1)), 400, /--http-max-input-size/);
    const path = "/v2/models/one_variable/infer";
    assert.equal((await post(path, Buffer.alloc(maxInputBytes), raw)).status, 200);
    await refused(post(path, Buffer.alloc(maxInputBytes + 8), raw), 400, /--http-max-input-size/);
  });

  /** A chunked request of `count` chunks, all of one byte but the last. */
  function chunks(count: number): Buffer {
    const json = JSON.stringify(simpleRequest());
    const body = `${" ".repeat(count - 1)}${json}`;
    const small = Buffer.from("1\r\n \r\n");
    const head = `POST ${simplePath} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n`;
    const parts = new Array<Uint8Array>(count - 1).fill(small);
    const last = `${json.length.toString(16)}\r\n${json}\r\n0\r\n\r\n`;
    assert.equal(body.length, count - 1 + json.length);
    return Buffer.concat([Buffer.from(head), ...parts, Buffer.from(last)]);
  }

  it("an upload may have 65536 chunks, and one more ends it (row 20)", async () => {
    assert.match(await exchange(chunks(maxChunkCount)), /^HTTP\/1\.1 200 /);
    assert.match(
      await exchange(chunks(maxChunkCount + 1)),
      /^HTTP\/1\.1 400 .*Connection: close.*"error":.*chunks/is,
    );
    const before = residentBytes();
    for (let i = 0; i < 20; i++) assert.match(await exchange(chunks(maxChunkCount + 1)), /^HTTP\/1\.1 400 /);
    // Two million chunks: what a chunk costs is given back with its request.
    assert.ok(residentBytes() - before < 150_000_000, `${residentBytes() - before} bytes more`);
  });

  it("a load request beyond any text's length is refused before it is read (row 26)", async () => {
    const head = (length: number): string =>
      `POST /v2/repository/models/x/load HTTP/1.1\r\nHost: x\r\nContent-Length: ${length}\r\n\r\n{`;
    assert.match(await exchange(head(999_999_999)), /^HTTP\/1\.1 400 .*"error":"request JSON size/s);
    // µWS hangs up on lengths of ten digits.
    assert.match(await exchange(head(2 ** 31)), /^$|^HTTP\/1\.1 400 .*"error":"request JSON size/s);
    assert.equal((await server.current.http.get("/v2/health/ready")).status, 200);
  });

  it("64-bit integers of a config are JSON numbers (row 27)", async () => {
    const config = (await server.current.http.get("/v2/models/configured/config")).json() as {
      readonly input: readonly { readonly dims: readonly unknown[] }[];
      readonly version_policy: { readonly specific: { readonly versions: readonly unknown[] } };
      readonly dynamic_batching: { readonly max_queue_delay_microseconds: unknown };
    };
    assert.deepEqual(config.input[0]?.dims, [16]);
    assert.deepEqual(config.version_policy.specific.versions, [1]);
    assert.equal(config.dynamic_batching.max_queue_delay_microseconds, 100);
  });

  it("the tests above leave a server that computes", async () => {
    const { body, headers } = binaryRequest([int32Tensor("INPUT0", first), int32Tensor("INPUT1", second)]);
    const reply = await post(simplePath, body, headers);
    assert.deepEqual(binaryOutputs(reply).get("OUTPUT0"), bytesOf(sums));
  });
});

function bytesOf(values: readonly number[]): Buffer {
  return Buffer.from(Int32Array.from(values).buffer);
}
