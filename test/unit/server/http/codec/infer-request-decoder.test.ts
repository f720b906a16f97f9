import assert from "node:assert/strict";
import fc from "fast-check";
import { describe, it } from "mocha";
import { StatusError } from "../../../../../server/core/status.ts";
import type { Tensor } from "../../../../../server/core/tensor.ts";
import type { DecodedInferRequest } from "../../../../../server/http/codec/decoded-infer-request.ts";
import { InferHeaderCache } from "../../../../../server/http/codec/infer-header-cache.ts";
import { decodeInferRequest } from "../../../../../server/http/codec/infer-request-decoder.ts";
import { JsonWriter } from "../../../../../server/http/codec/json-writer.ts";
import { writeTensorData } from "../../../../../server/http/codec/tensor-data-writer.ts";
import { invalid } from "./status-matcher.ts";
import { tensors } from "./tensor-arbitrary.ts";

/** Decodes a request that is all JSON. */
function decodeJson(json: unknown, maxInputBytes = 10_000): DecodedInferRequest {
  const body = Buffer.from(typeof json === "string" ? json : JSON.stringify(json));
  return decodeInferRequest({ body, headerBytes: -1, maxInputBytes, headerCache: new InferHeaderCache() });
}

/** Decodes JSON with binary tensor data behind it. */
function decodeBinary(
  json: unknown,
  tail: Uint8Array,
  headerCache = new InferHeaderCache(),
): DecodedInferRequest {
  const header = Buffer.from(typeof json === "string" ? json : JSON.stringify(json));
  const body = Buffer.concat([header, tail]);
  return decodeInferRequest({ body, headerBytes: header.byteLength, maxInputBytes: 10_000, headerCache });
}

const binaryInput = {
  name: "A",
  shape: [1, 4],
  datatype: "UINT8",
  parameters: { binary_data_size: 4 },
};

function jsonData(tensor: Tensor): string {
  const writer = new JsonWriter(1 << 20);
  writeTensorData(writer, tensor);
  return Buffer.from(writer.written()).toString();
}

describe("decodeInferRequest", () => {
  it("reads everything that a request may say", () => {
    const decoded = decodeJson({
      model_name: ["ignored"],
      id: "é1",
      parameters: { priority: 2, timeout: 5000, sequence_id: 7, sequence_start: true, top_k: 3 },
      inputs: [{ name: "A", shape: [2], datatype: "INT16", data: [1, 2] }],
      outputs: [{ name: "X", parameters: { binary_data: true } }, { name: "Y" }],
    });
    assert.equal(decoded.id, "é1");
    assert.equal(decoded.priority, 2);
    assert.equal(decoded.timeoutUs, 5000);
    assert.equal(decoded.correlationId, 7);
    assert.equal(decoded.isSequenceStart, true);
    assert.equal(decoded.isSequenceEnd, false);
    assert.deepEqual(decoded.parameters, new Map([["top_k", 3]]));
    assert.deepEqual(decoded.requestedOutputs, ["X", "Y"]);
    assert.equal(decoded.inputs.length, 1);
    assert.deepEqual(decoded.inputs[0]?.data, Uint8Array.of(1, 0, 2, 0));
  });

  it("needs nothing but inputs, which may be empty", () => {
    const decoded = decodeJson({ inputs: [] });
    assert.equal(decoded.id, "");
    assert.deepEqual(decoded.inputs, []);
    assert.deepEqual(decoded.requestedOutputs, []);
    assert.equal(decoded.parameters, null);
    assert.equal(decoded.outputEncodings.of("any"), "json");
    assert.throws(() => decodeJson({}), invalid("non-existing object member 'inputs'"));
  });

  it("takes an empty list of outputs for all outputs", () => {
    const decoded = decodeJson({ inputs: [], outputs: [], parameters: { binary_data_output: true } });
    assert.deepEqual(decoded.requestedOutputs, []);
    assert.equal(decoded.outputEncodings.of("any"), "binary");
  });

  it("gives listed outputs JSON unless they ask for binary, whatever binary_data_output says", () => {
    const { outputEncodings } = decodeJson({
      parameters: { binary_data_output: true },
      inputs: [],
      outputs: [
        { name: "X" },
        { name: "Y", parameters: { binary_data: true } },
        { name: "Z", parameters: { binary_data: false } },
      ],
    });
    assert.equal(outputEncodings.of("X"), "json");
    assert.equal(outputEncodings.of("Y"), "binary");
    assert.equal(outputEncodings.of("Z"), "json");
    assert.equal(outputEncodings.of("not listed"), "binary");
  });

  it("gives binary inputs views on the body, in the order of the inputs that have them", () => {
    const header = Buffer.from(
      JSON.stringify({
        inputs: [
          { ...binaryInput, name: "A" },
          { name: "B", shape: [1], datatype: "UINT8", data: [9] },
          { ...binaryInput, name: "C", shape: [0], parameters: { binary_data_size: 0 } },
          { ...binaryInput, name: "D", shape: [2], parameters: { binary_data_size: 2 } },
        ],
      }),
    );
    const memory = Buffer.concat([Buffer.alloc(3), header, Uint8Array.of(1, 2, 3, 4, 5, 6)]);
    for (const body of [
      memory.subarray(3),
      new Uint8Array(memory.buffer, memory.byteOffset + 3, memory.byteLength - 3),
    ]) {
      const { inputs } = decodeInferRequest({
        body,
        headerBytes: header.byteLength,
        maxInputBytes: 10_000,
        headerCache: new InferHeaderCache(),
      });
      assert.deepEqual(
        inputs.map(({ name, data }) => [name, [...data]]),
        [
          ["A", [1, 2, 3, 4]],
          ["B", [9]],
          ["C", []],
          ["D", [5, 6]],
        ],
      );
      assert.equal(inputs[0]?.data.buffer, body.buffer);
    }
  });

  it("refuses a body with too few or too many binary bytes", () => {
    assert.throws(
      () => decodeBinary({ inputs: [binaryInput] }, Buffer.alloc(1)),
      invalid("expecting 3 additional bytes"),
    );
    assert.throws(
      () => decodeBinary({ inputs: [binaryInput] }, Buffer.alloc(6)),
      invalid("unexpected additional input data: 2 bytes"),
    );
    assert.throws(() => decodeJson({ inputs: [binaryInput] }), invalid("expecting 4 additional bytes"));
    assert.throws(
      () =>
        decodeBinary(
          '{"inputs":[{"name":"A","shape":[1],"datatype":"UINT8","parameters":{"binary_data_size":18446744073709551615}}]}',
          Buffer.alloc(4),
        ),
      invalid("additional bytes"),
    );
  });

  it("refuses a header longer than the body or the limit", () => {
    const body = Buffer.from('{"inputs":[]}');
    const headerCache = new InferHeaderCache();
    assert.throws(
      () => decodeInferRequest({ body, headerBytes: 14, maxInputBytes: 100, headerCache }),
      invalid("inference header size should be in range"),
    );
    for (const headerBytes of [-1, 13]) {
      assert.throws(
        () => decodeInferRequest({ body, headerBytes, maxInputBytes: 12, headerCache }),
        invalid("exceeds the maximum allowed input size of 12 bytes: raise --http-max-input-size"),
      );
      decodeInferRequest({ body, headerBytes, maxInputBytes: 13, headerCache });
    }
  });

  it("refuses text that is not one JSON object", () => {
    for (const text of ["", " ", "{", '{"inputs":[]', '{"inputs":[]}x', "{inputs:[]}", '{"inputs":[]},']) {
      assert.throws(() => decodeJson(text), invalid("failed to parse the request JSON buffer"), text);
      assert.throws(() => decodeBinary(text, Buffer.alloc(0)), invalid("failed to parse"), text);
    }
    assert.throws(() => decodeJson("[]"), invalid("non-object as object"));
  });

  it("takes the first of two members with one name", () => {
    const decoded = decodeJson('{"id":"a","inputs":[],"id":"b","inputs":[1],"parameters":{},"parameters":7}');
    assert.equal(decoded.id, "a");
    assert.deepEqual(decoded.inputs, []);
  });

  it("decodes repeated headers alike, each with its own id, data and list of inputs", () => {
    const headerCache = new InferHeaderCache();
    for (const [id, byte] of [
      ["1", 1],
      ["22", 2],
      ['"\\é', 3],
      ["", 4],
    ] as const) {
      const decoded = decodeBinary({ id, inputs: [binaryInput] }, Buffer.alloc(4, byte), headerCache);
      assert.equal(decoded.id, id);
      assert.deepEqual(decoded.inputs[0]?.data, new Uint8Array(4).fill(byte));
      decoded.inputs.length = 0;
    }
    const first = decodeBinary({ inputs: [binaryInput] }, Buffer.alloc(4), headerCache);
    const again = decodeBinary({ inputs: [binaryInput] }, Buffer.alloc(4), headerCache);
    assert.equal(again.outputEncodings, first.outputEncodings);
    assert.equal(again.inputs[0]?.shape, first.inputs[0]?.shape);
    assert.notEqual(again.inputs, first.inputs);
  });

  it("does not take what is left of a request without its id for a request", () => {
    const headerCache = new InferHeaderCache();
    const whole = JSON.stringify({ id: "7", inputs: [binaryInput] });
    decodeBinary(whole, Buffer.alloc(4), headerCache);
    assert.throws(
      () => decodeBinary(whole.slice('{"id":"7'.length), Buffer.alloc(4), headerCache),
      invalid(""),
    );
  });

  it("gives JSON data the bytes that the binary path carries", () => {
    fc.assert(
      fc.property(tensors, fc.boolean(), (tensor, isDataFirst) => {
        const declaration = `"name":"T","datatype":"${tensor.datatype}","shape":[${tensor.shape.join(",")}]`;
        const data = `"data":${jsonData(tensor)}`;
        const members = isDataFirst ? `${data},${declaration}` : `${declaration},${data}`;
        const byJson = decodeJson(`{"inputs":[{${members}}]}`).inputs[0];
        const size = `"parameters":{"binary_data_size":${tensor.data.byteLength}}`;
        const byBinary = decodeBinary(`{"inputs":[{${declaration},${size}}]}`, tensor.data).inputs[0];
        assert.deepEqual(byJson, byBinary);
      }),
      { numRuns: 1000 },
    );
  });

  it("throws nothing but StatusError for mutated requests", () => {
    const documents = [
      { id: "1", inputs: [{ name: "A", shape: [2], datatype: "FP32", data: [0.5, [1e3]] }] },
      { inputs: [binaryInput], outputs: [{ name: "X", parameters: { binary_data: true } }] },
      {
        parameters: { sequence_id: "s", priority: 1, x: null },
        inputs: [{ data: ["a", "é"], name: "A", shape: [2], datatype: "BYTES" }],
      },
    ].map((document) => Buffer.from(JSON.stringify(document)));
    const edits = fc.array(
      fc.tuple(fc.nat(), fc.constantFrom(...Buffer.from('{}[]",:0-1.eN\\tnu\u0000')), fc.nat(2)),
      {
        minLength: 1,
        maxLength: 3,
      },
    );
    fc.assert(
      fc.property(fc.constantFrom(...documents), edits, fc.nat(6), (document, changes, tailBytes) => {
        let text: Buffer = document;
        for (const [at, byte, kind] of changes) {
          const position = at % text.byteLength;
          text = Buffer.concat([
            text.subarray(0, position),
            kind === 0 ? Buffer.alloc(0) : Buffer.of(byte),
            text.subarray(position + (kind === 2 ? 0 : 1)),
          ]);
        }
        try {
          decodeBinary(text.toString("latin1"), Buffer.alloc(tailBytes));
        } catch (thrown) {
          assert.ok(thrown instanceof StatusError, String(thrown));
          assert.notEqual(thrown.code, "INTERNAL");
        }
      }),
      { numRuns: 3000 },
    );
  });

  it("tells which tensors are in shared memory, and gives those inputs no bytes", () => {
    const place = { region: "r", offset: 0, byteSize: 16 };
    const parameters = { shared_memory_region: "r", shared_memory_byte_size: 16 };
    const decoded = decodeJson({
      inputs: [{ ...binaryInput, parameters }],
      outputs: [{ name: "B", parameters }],
    });
    assert.deepEqual(decoded.sharedMemory, { inputs: [place], outputs: new Map([["B", place]]) });
    assert.equal(decoded.inputs[0]!.data.byteLength, 0);
    assert.equal(decoded.outputEncodings.of("B"), "shared-memory");
    assert.equal(decodeJson({ inputs: [] }).sharedMemory, null);
  });
});
