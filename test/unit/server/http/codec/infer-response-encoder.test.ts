import assert from "node:assert/strict";
import fc from "fast-check";
import { describe, it } from "mocha";
import type { ParameterValue } from "../../../../../server/core/inference-request.ts";
import { InferenceResponse } from "../../../../../server/core/inference-response.ts";
import { Tensor } from "../../../../../server/core/tensor.ts";
import { InferHeaderCache } from "../../../../../server/http/codec/infer-header-cache.ts";
import { decodeInferRequest } from "../../../../../server/http/codec/infer-request-decoder.ts";
import { encodeInferResponse } from "../../../../../server/http/codec/infer-response-encoder.ts";
import { allBinary, allJson, OutputEncodings } from "../../../../../server/http/codec/output-encodings.ts";
import { ResponseScratch } from "../../../../../server/http/codec/response-scratch.ts";
import { tensors } from "./tensor-arbitrary.ts";

interface Encoded {
  readonly json: string;
  readonly tail: Uint8Array;
  readonly headerBytes: number;
}

function responseOf(
  outputs: Tensor[],
  id = "",
  parameters: ReadonlyMap<string, ParameterValue> | null = null,
): InferenceResponse {
  return new InferenceResponse({ modelName: "m", modelVersion: "3", id, outputs, parameters, buffer: null });
}

function encode(
  response: InferenceResponse,
  encodings: OutputEncodings,
  scratch = new ResponseScratch(1 << 20),
): Encoded {
  const { headerBytes, body } = encodeInferResponse(response, encodings, scratch);
  const jsonBytes = headerBytes === 0 ? body.byteLength : headerBytes;
  return {
    json: Buffer.from(body.subarray(0, jsonBytes)).toString(),
    tail: new Uint8Array(body.subarray(jsonBytes)),
    headerBytes,
  };
}

const floats = new Tensor("F", "FP32", [1, 2], new Uint8Array(Float32Array.of(1, 0.5).buffer));
const bytes = new Tensor("B", "UINT8", [3], Uint8Array.of(1, 2, 3));

describe("encodeInferResponse", () => {
  it("writes the members in the protocol's order", () => {
    const parameters = new Map<string, ParameterValue>([
      ["s", 'a"b'],
      ["i", 7],
      ["big", 9223372036854775807n],
      ["d", 0.5],
      ["t", true],
    ]);
    const { json, headerBytes } = encode(responseOf([floats, bytes], "4\n2", parameters), allJson);
    assert.equal(headerBytes, 0);
    assert.equal(
      json,
      '{"id":"4\\n2","model_name":"m","model_version":"3",' +
        '"parameters":{"s":"a\\"b","i":7,"big":9223372036854775807,"d":0.5,"t":true},"outputs":[' +
        '{"name":"F","datatype":"FP32","shape":[1,2],"data":[1.0,0.5]},' +
        '{"name":"B","datatype":"UINT8","shape":[3],"data":[1,2,3]}]}',
    );
  });

  it("leaves out an empty id and empty parameters", () => {
    assert.equal(
      encode(responseOf([], "", new Map()), allJson).json,
      '{"model_name":"m","model_version":"3","outputs":[]}',
    );
  });

  it("puts binary outputs behind the JSON in the order of the outputs", () => {
    const { json, tail, headerBytes } = encode(responseOf([floats, bytes], "1"), allBinary);
    assert.equal(
      json,
      '{"id":"1","model_name":"m","model_version":"3","outputs":[' +
        '{"name":"F","datatype":"FP32","shape":[1,2],"parameters":{"binary_data_size":8}},' +
        '{"name":"B","datatype":"UINT8","shape":[3],"parameters":{"binary_data_size":3}}]}',
    );
    assert.equal(headerBytes, Buffer.byteLength(json));
    assert.deepEqual(tail, Uint8Array.from([...floats.data, ...bytes.data]));
  });

  it("mixes JSON and binary outputs", () => {
    const encodings = new OutputEncodings(new Map([["B", "binary"]]), "json");
    const { json, tail } = encode(responseOf([floats, bytes]), encodings);
    assert.ok(json.includes('"shape":[1,2],"data":[1.0,0.5]}'));
    assert.ok(json.includes('"shape":[3],"parameters":{"binary_data_size":3}}'));
    assert.deepEqual(tail, bytes.data);
  });

  it("is plain JSON when no binary output has bytes", () => {
    const empty = new Tensor("E", "FP32", [1, 0], new Uint8Array(0));
    const { json, headerBytes } = encode(responseOf([empty]), allBinary);
    assert.equal(headerBytes, 0);
    assert.ok(json.includes('"shape":[1,0],"parameters":{"binary_data_size":0}'));
    assert.ok(encode(responseOf([empty]), allJson).json.includes('"data":[]'));
  });

  it("writes the same with a used scratch as with a new one", () => {
    const scratch = new ResponseScratch(1 << 20);
    const other = new Tensor("B", "UINT8", [1, 3], bytes.data);
    const renamed = new Tensor("C", "UINT8", [3], bytes.data);
    const longer = new Tensor("B", "BYTES", [3], new Uint8Array(20));
    const encodings = new OutputEncodings(new Map([["B", "binary"]]), "json");
    for (const response of [
      responseOf([bytes], "1"),
      responseOf([bytes], "2"),
      responseOf([bytes]),
      responseOf([other]),
      responseOf([renamed]),
      responseOf([longer]),
      responseOf([new Tensor("B", "BYTES", [3], new Uint8Array(12))]),
      responseOf([bytes, floats]),
      responseOf([bytes], "1", new Map([["x", 1]])),
      responseOf([bytes], "3"),
      new InferenceResponse({
        modelName: "m",
        modelVersion: "4",
        id: "",
        outputs: [bytes],
        parameters: null,
        buffer: null,
      }),
    ]) {
      for (const each of [allBinary, encodings, allBinary]) {
        assert.deepEqual(encode(response, each, scratch), encode(response, each));
      }
    }
  });

  it("works after an output that could not be written", () => {
    const scratch = new ResponseScratch(1 << 20);
    const half = new Tensor("H", "FP16", [1], new Uint8Array(2));
    assert.throws(() => encode(responseOf([half]), allJson, scratch));
    assert.deepEqual(encode(responseOf([bytes]), allJson, scratch), encode(responseOf([bytes]), allJson));
  });

  it("is read back by the request decoder, in both encodings", () => {
    fc.assert(
      fc.property(tensors, (tensor) => {
        for (const encodings of [allJson, allBinary]) {
          const { json, tail } = encode(responseOf([tensor]), encodings);
          // A response's output has the form of a request's input.
          const header = Buffer.from(json.replace('"outputs"', '"inputs"'));
          const { inputs } = decodeInferRequest({
            body: Buffer.concat([header, tail]),
            headerBytes: header.byteLength,
            maxInputBytes: 1 << 20,
            headerCache: new InferHeaderCache(),
          });
          assert.deepEqual([...(inputs[0]?.data ?? [])], [...tensor.data]);
        }
      }),
      { numRuns: 300 },
    );
  });
});
