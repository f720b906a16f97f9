import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { describe, it } from "mocha";
import { joinBytesElements } from "../../../server/core/bytes-elements.ts";
import {
  binaryOutputs,
  binaryRequest,
  type InferResponse,
  inferResponse,
  joinRequest,
  jsonLengthHeader,
} from "../../helpers/binary-infer.ts";
import { useServer } from "../../helpers/start-server.ts";
import {
  differences,
  first,
  int32Json,
  int32Tensor,
  sampleRepository,
  second,
  simpleRequest,
  sums,
} from "./simple-models.ts";

function values(response: InferResponse): Record<string, readonly unknown[] | undefined> {
  return Object.fromEntries(response.outputs.map((output) => [output.name, output.data]));
}

function int32s(bytes: Buffer | undefined): number[] {
  assert.ok(bytes !== undefined);
  return Array.from({ length: bytes.byteLength / 4 }, (_, index) => bytes.readInt32LE(index * 4));
}

describe("Inference over HTTP", () => {
  const server = useServer(() => [`--model-repository=${sampleRepository}`]);
  const infer = (model: string, body: object | string | Uint8Array, headers = {}) =>
    server.current.http.post(`/v2/models/${model}/infer`, body, { headers });

  it("simple adds and subtracts, JSON in and out", async () => {
    const reply = await infer("simple", simpleRequest({ id: "job 1" }));
    assert.equal(reply.headers["content-type"], "application/json");
    assert.equal(reply.headers[jsonLengthHeader.toLowerCase()], undefined);
    assert.deepEqual(inferResponse(reply), {
      id: "job 1",
      model_name: "simple",
      model_version: "1",
      outputs: [
        { name: "OUTPUT0", datatype: "INT32", shape: [1, 16], data: sums },
        { name: "OUTPUT1", datatype: "INT32", shape: [1, 16], data: differences },
      ],
    });
  });

  it("simple adds and subtracts, binary in and out", async () => {
    const { body, headers } = binaryRequest([int32Tensor("INPUT0", first), int32Tensor("INPUT1", second)]);
    const reply = await infer("simple", body, headers);
    assert.equal(reply.headers["content-type"], "application/octet-stream");
    const outputs = binaryOutputs(reply);
    assert.deepEqual(int32s(outputs.get("OUTPUT0")), sums);
    assert.deepEqual(int32s(outputs.get("OUTPUT1")), differences);
    assert.ok(inferResponse(reply).outputs.every((output) => output.data === undefined));
  });

  it("simple takes one input as JSON and the other as binary data", async () => {
    const tensor = int32Tensor("INPUT1", second);
    const header = {
      inputs: [
        int32Json("INPUT0", first),
        { name: "INPUT1", datatype: "INT32", shape: [1, 16], parameters: { binary_data_size: 64 } },
      ],
    };
    const { body, headers } = joinRequest(header, [tensor.data]);
    assert.deepEqual(values(inferResponse(await infer("simple", body, headers))), {
      OUTPUT0: sums,
      OUTPUT1: differences,
    });
  });

  it("binary inputs follow the JSON in the order of the inputs, whatever the model's order is", async () => {
    const { body, headers } = binaryRequest([int32Tensor("INPUT1", second), int32Tensor("INPUT0", first)]);
    const outputs = binaryOutputs(await infer("simple", body, headers));
    assert.deepEqual(int32s(outputs.get("OUTPUT1")), differences);
  });

  it("one output is JSON and the other binary when the request says so", async () => {
    const request = simpleRequest({
      outputs: [{ name: "OUTPUT0" }, { name: "OUTPUT1", parameters: { binary_data: true } }],
    });
    const reply = await infer("simple", request);
    assert.deepEqual(values(inferResponse(reply)), { OUTPUT0: sums, OUTPUT1: undefined });
    assert.deepEqual([...binaryOutputs(reply).keys()], ["OUTPUT1"]);
    assert.deepEqual(int32s(binaryOutputs(reply).get("OUTPUT1")), differences);
  });

  it("binary_data_output is for outputs that the request does not list", async () => {
    const binary = { parameters: { binary_data_output: true } };
    const all = await infer("simple", simpleRequest(binary));
    assert.deepEqual([...binaryOutputs(all).keys()], ["OUTPUT0", "OUTPUT1"]);
    const listed = await infer("simple", simpleRequest({ ...binary, outputs: [{ name: "OUTPUT1" }] }));
    assert.deepEqual(values(inferResponse(listed)), { OUTPUT1: differences });
  });

  it("only the requested outputs are returned; an empty list asks for all", async () => {
    const one = await infer("simple", simpleRequest({ outputs: [{ name: "OUTPUT1" }] }));
    assert.deepEqual(values(inferResponse(one)), { OUTPUT1: differences });
    const all = await infer("simple", simpleRequest({ outputs: [] }));
    assert.deepEqual(values(inferResponse(all)), { OUTPUT0: sums, OUTPUT1: differences });
  });

  it("a response has an id only when its request has one", async () => {
    assert.equal(inferResponse(await infer("simple", simpleRequest())).id, undefined);
    const id = 'quote " backslash \\ ü 🦀 \n';
    assert.equal(inferResponse(await infer("simple", simpleRequest({ id }))).id, id);
  });

  it("nested data is flattened, and unknown members are read over", async () => {
    const nested = [first.slice(0, 8), [first.slice(8, 12), first.slice(12)]];
    const request = {
      model_name: "another",
      inputs: [
        int32Json("INPUT0", first, { data: nested, note: { deep: [1] } }),
        int32Json("INPUT1", second),
      ],
    };
    assert.deepEqual(values(inferResponse(await infer("simple", request)))["OUTPUT0"], sums);
  });

  it("a model's version may be named, and leading zeros count for nothing", async () => {
    for (const version of ["1", "001"]) {
      const reply = await infer(`simple/versions/${version}`, simpleRequest());
      assert.equal(inferResponse(reply).model_version, "1");
    }
  });

  it("several rows in one request come back in their order", async () => {
    const rows = Array.from({ length: 8 }, (_, rowIndex) => first.map((value) => value + rowIndex)).flat();
    const ones = rows.map(() => 1);
    const shape = { shape: [8, 16] };
    const request = { inputs: [int32Json("INPUT0", rows, shape), int32Json("INPUT1", ones, shape)] };
    const { outputs } = inferResponse(await infer("simple", request));
    assert.deepEqual(outputs[0]?.shape, [8, 16]);
    assert.deepEqual(
      outputs[1]?.data,
      rows.map((value) => value - 1),
    );
  });

  it("simple_string computes with numbers written as texts", async () => {
    const texts = (numbers: readonly number[]): string[] => numbers.map(String);
    const input = (name: string, data: readonly string[]) => ({
      name,
      datatype: "BYTES",
      shape: [1, 16],
      data,
    });
    const reply = await infer("simple_string", {
      inputs: [input("INPUT0", texts(first)), input("INPUT1", texts(second))],
    });
    assert.deepEqual(values(inferResponse(reply)), { OUTPUT0: texts(sums), OUTPUT1: texts(differences) });
  });

  it("simple_identity returns texts of any length, as JSON and binary", async () => {
    const texts = ["", "a", "grüße 日本 🦀", "x".repeat(70_000)];
    const asJson = await infer("simple_identity", {
      inputs: [{ name: "INPUT0", datatype: "BYTES", shape: [1, 4], data: texts }],
    });
    assert.deepEqual(values(inferResponse(asJson)), { OUTPUT0: texts });
    const data = joinBytesElements(texts.map((text) => Buffer.from(text)));
    const { body, headers } = binaryRequest([{ name: "INPUT0", datatype: "BYTES", shape: [2, 2], data }]);
    const asBinary = await infer("simple_identity", body, headers);
    assert.deepEqual(inferResponse(asBinary).outputs[0]?.shape, [2, 2]);
    assert.deepEqual(binaryOutputs(asBinary).get("OUTPUT0"), Buffer.from(data));
  });

  it("a tensor without elements is carried, as JSON and binary (row 52)", async () => {
    const asJson = await infer("simple_identity", {
      inputs: [{ name: "INPUT0", datatype: "BYTES", shape: [1, 0], data: [] }],
    });
    assert.deepEqual(inferResponse(asJson).outputs, [
      { name: "OUTPUT0", datatype: "BYTES", shape: [1, 0], data: [] },
    ]);
    const { body, headers } = binaryRequest([
      { name: "INPUT0", datatype: "BYTES", shape: [1, 0], data: new Uint8Array() },
    ]);
    const asBinary = await infer("simple_identity", body, headers);
    assert.equal(inferResponse(asBinary).outputs[0]?.parameters?.binary_data_size, 0);
    assert.equal(asBinary.headers["content-type"], "application/json");
  });

  it("a body of one raw tensor is enough for a model with one input", async () => {
    const pixels = new Uint8Array(new Float32Array(64).buffer);
    const reply = await infer("digits", pixels, { [jsonLengthHeader]: "0" });
    assert.deepEqual(inferResponse(reply).outputs[0]?.shape, [1, 10]);
    assert.equal(binaryOutputs(reply).get("probabilities")?.byteLength, 40);
    const refused = await infer("simple", pixels, { [jsonLengthHeader]: "0" });
    assert.equal(refused.status, 400);
    assert.match(refused.error, /must only have 1 input/);
  });

  it("a chunked body is read like any other", async () => {
    const { body, headers } = binaryRequest([int32Tensor("INPUT0", first), int32Tensor("INPUT1", second)]);
    const reply = await server.current.http.postInChunks(
      "/v2/models/simple/infer",
      [body.subarray(0, 5), body.subarray(5, 200), body.subarray(200)],
      headers,
    );
    assert.deepEqual(int32s(binaryOutputs(reply).get("OUTPUT0")), sums);
  });

  it("curl gets a prediction, also with a body that it asks leave for", () => {
    const curl = (model: string, body: object): InferResponse => {
      const url = `${server.current.http.baseUrl}/v2/models/${model}/infer`;
      const args = ["--silent", "--show-error", "--fail", "--max-time", "20", "--data-binary", "@-"];
      const output = execFileSync("curl", [...args, "--header", "Expect: 100-continue", url], {
        input: JSON.stringify(body),
        maxBuffer: 16 * 1024 * 1024,
      });
      return JSON.parse(output.toString()) as InferResponse;
    };
    assert.deepEqual(values(curl("simple", simpleRequest())), { OUTPUT0: sums, OUTPUT1: differences });
    const texts = Array.from({ length: 40_000 }, (_, index) => `text number ${index} of a long body`);
    const input = { name: "INPUT0", datatype: "BYTES", shape: [1, texts.length], data: texts };
    assert.deepEqual(values(curl("simple_identity", { inputs: [input] })), { OUTPUT0: texts });
  });
});
