import assert from "node:assert/strict";
import fc from "fast-check";
import { describe, it } from "mocha";
import { configDataTypeName } from "../../../server/core/data-type.ts";
import { binaryOutputs, binaryRequest } from "../../helpers/binary-infer.ts";
import { failureOf } from "../../helpers/grpc-client.ts";
import { useServer } from "../../helpers/start-server.ts";
import { useRepository } from "../../helpers/temporary-repository.ts";
import { bf16Model, identityModel } from "../../../tools/onnx-builder/model-zoo.ts";
import { fuzzCount, fuzzSeed } from "../../fuzz/fuzz-settings.ts";
import { type DataTypeCase, dataTypeCases } from "./data-type-cases.ts";
import { bytesOfList, randomDataTypes, type RandomTensor, randomTensor } from "./random-tensors.ts";

/** gRPC's INVALID_ARGUMENT. */
const invalidArgument = 3;

function modelOf(datatype: string): string {
  return `identity_${datatype.toLowerCase()}`;
}

function inferPath(datatype: string): string {
  return `/v2/models/${modelOf(datatype)}/infer`;
}

/** The list of the only output of a JSON response, as it was written: `JSON.parse` would lose what it tests. */
function dataList(text: string): string {
  const list = /"data":(\[.*\])\}\]\}$/s.exec(text)?.[1];
  assert.ok(list !== undefined, text);
  return list;
}

describe("Data types", () => {
  const repository = useRepository((made) => {
    for (const { datatype } of dataTypeCases) {
      const tensor = { data_type: configDataTypeName(datatype), dims: [-1] };
      made.add(modelOf(datatype), {
        config: {
          max_batch_size: 8,
          input: [{ name: "INPUT0", ...tensor }],
          output: [{ name: "OUTPUT0", ...tensor }],
          instance_group: [{ count: 1 }],
        },
        versions: { 1: identityModel(datatype, ["batch", "length"]) },
      });
    }
    made.add("bf16", { versions: { 1: bf16Model() } });
  });
  const server = useServer(() => [`--model-repository=${repository.current.path}`, "--exit-on-error=false"]);

  const jsonBody = ({ datatype, count, json }: DataTypeCase): string =>
    `{"inputs":[{"name":"INPUT0","datatype":"${datatype}","shape":[1,${count}],"data":${json}}]}`;
  const wireInput = ({ datatype, count, bytes }: DataTypeCase) =>
    ({ name: "INPUT0", datatype, shape: [1, count], data: bytes }) as const;

  for (const example of dataTypeCases) {
    const { datatype, count, bytes, json, contents } = example;

    it(`${datatype} over HTTP as binary tensor data comes back with the same bytes`, async () => {
      const { body, headers } = binaryRequest([wireInput(example)]);
      const reply = await server.current.http.post(inferPath(datatype), body, { headers });
      assert.deepEqual(binaryOutputs(reply).get("OUTPUT0"), bytes);
    });

    it(`${datatype} over gRPC as raw contents comes back with the same bytes`, async () => {
      const response = await server.current.grpc.infer({
        model_name: modelOf(datatype),
        inputs: [{ name: "INPUT0", datatype, shape: [1, count] }],
        raw_input_contents: [bytes],
      });
      assert.deepEqual(response.outputs[0]?.datatype, datatype);
      assert.deepEqual(response.outputs[0].shape, ["1", String(count)]);
      assert.deepEqual(response.raw_output_contents, [bytes]);
    });

    if (json !== null) {
      it(`${datatype} over HTTP as JSON comes back with the same values`, async () => {
        const reply = await server.current.http.post(inferPath(datatype), jsonBody(example));
        assert.equal(reply.status, 200, reply.text);
        assert.deepEqual(example.fromJson(dataList(reply.text)), bytes);
      });
    }

    if (contents !== null) {
      it(`${datatype} over gRPC as typed contents comes back with the same values`, async () => {
        const response = await server.current.grpc.infer({
          model_name: modelOf(datatype),
          inputs: [
            {
              name: "INPUT0",
              datatype,
              shape: [1, count],
              contents: { [contents.list]: contents.values },
            },
          ],
        });
        assert.deepEqual(response.raw_output_contents, [bytes]);
      });
    }
  }

  for (const datatype of randomDataTypes) {
    it(`random ${datatype} tensors come back with the same bytes, in every form and over both protocols`, async () => {
      const same = async (tensor: RandomTensor): Promise<void> => {
        for (const [form, bytes] of await allForms(tensor)) {
          assert.equal(bytes.toString("hex"), tensor.bytes.toString("hex"), form);
        }
      };
      await fc.assert(fc.asyncProperty(randomTensor(datatype), same), {
        numRuns: fuzzCount(25),
        seed: fuzzSeed,
      });
    });
  }

  /** What comes back for a tensor in each form that can carry it. */
  async function allForms({
    datatype,
    shape,
    bytes,
    json,
    contents,
  }: RandomTensor): Promise<[string, Buffer][]> {
    const { http, grpc } = server.current;
    const path = inferPath(datatype);
    const binary = binaryRequest([{ name: "INPUT0", datatype, shape, data: bytes }]);
    const binaryReply = await http.post(path, binary.body, { headers: binary.headers });
    const input = { name: "INPUT0", datatype, shape };
    const model_name = modelOf(datatype);
    const raw = await grpc.infer({ model_name, inputs: [input], raw_input_contents: [bytes] });
    const results: [string, Buffer][] = [
      ["binary over HTTP", binaryOutputs(binaryReply).get("OUTPUT0") ?? Buffer.alloc(0)],
      ["raw over gRPC", raw.raw_output_contents[0]!],
    ];
    if (json !== null) {
      const body = `{"inputs":[{"name":"INPUT0","datatype":"${datatype}","shape":[${shape.join()}],"data":${json}}]}`;
      const reply = await http.post(path, body);
      assert.equal(reply.status, 200, reply.text);
      results.push(["JSON over HTTP", bytesOfList(datatype, dataList(reply.text))]);
    }
    if (contents !== null) {
      const typed = { ...input, contents: { [contents.list]: contents.values } };
      const { raw_output_contents } = await grpc.infer({ model_name, inputs: [typed] });
      results.push(["typed contents over gRPC", raw_output_contents[0]!]);
    }
    return results;
  }

  it("FP16 as JSON is refused in a request and in a response", async () => {
    const asInput = await server.current.http.post(inferPath("FP16"), {
      inputs: [{ name: "INPUT0", datatype: "FP16", shape: [1, 1], data: [1] }],
    });
    assert.equal(asInput.status, 400);
    assert.match(asInput.error, /FP16/);

    const half = { name: "INPUT0", datatype: "FP16", shape: [1, 1], data: Uint8Array.of(0, 0x3c) };
    const { body, headers } = binaryRequest([half], { parameters: {} });
    const asOutput = await server.current.http.post(inferPath("FP16"), body, { headers });
    assert.equal(asOutput.status, 400);
    assert.match(asOutput.error, /OUTPUT0.*FP16|FP16.*OUTPUT0/);
  });

  const unfitBytes: readonly (readonly [string, Buffer, RegExp])[] = [
    ["a NUL character", Buffer.from("a\0b"), /NUL|null character/i],
    ["bytes that are not UTF-8", Buffer.of(0xff, 0xfe, 0x41), /UTF-8/],
    ["half a surrogate pair", Buffer.of(0xed, 0xa0, 0x80), /UTF-8/],
  ];
  for (const [what, element, reason] of unfitBytes) {
    it(`BYTES with ${what} is refused by an ONNX model, over both protocols`, async () => {
      const data = Buffer.concat([Buffer.of(element.byteLength, 0, 0, 0), element]);
      const { body, headers } = binaryRequest([{ name: "INPUT0", datatype: "BYTES", shape: [1, 1], data }]);
      const reply = await server.current.http.post(inferPath("BYTES"), body, { headers });
      assert.equal(reply.status, 400);
      assert.match(reply.error, reason);
      assert.match(reply.error, /INPUT0/);

      const failed = await failureOf(
        server.current.grpc.infer({
          model_name: modelOf("BYTES"),
          inputs: [{ name: "INPUT0", datatype: "BYTES", shape: [1, 1] }],
          raw_input_contents: [data],
        }),
      );
      assert.equal(failed.code, invalidArgument);
      assert.match(failed.message, reason);
    });
  }

  it("BF16 fails the load of its model alone, and says why", async () => {
    const line = server.current.log.split("\n").find((text) => text.includes("Failed to load model 'bf16'"));
    assert.match(line ?? "", /INPUT0/);
    assert.match(line ?? "", /BF16|bfloat16/i);
    const reply = await server.current.http.get("/v2/models/bf16/ready");
    assert.equal(reply.status, 404);
    assert.match(reply.error, /'bf16' has no available versions/);
    assert.equal((await server.current.http.get("/v2/health/ready")).status, 400);
    assert.equal((await server.current.http.get("/v2/health/live")).status, 200);
  });
});
