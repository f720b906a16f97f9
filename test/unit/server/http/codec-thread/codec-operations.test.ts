import assert from "node:assert/strict";
import { describe, it } from "mocha";
import type { ParameterValue } from "../../../../../server/core/inference-request.ts";
import { InferenceResponse } from "../../../../../server/core/inference-response.ts";
import { StatusError } from "../../../../../server/core/status.ts";
import { Tensor } from "../../../../../server/core/tensor.ts";
import { DecodedInferRequest } from "../../../../../server/http/codec/decoded-infer-request.ts";
import { InferHeaderCache } from "../../../../../server/http/codec/infer-header-cache.ts";
import { decodeInferRequest } from "../../../../../server/http/codec/infer-request-decoder.ts";
import { encodeInferResponse } from "../../../../../server/http/codec/infer-response-encoder.ts";
import { allBinary, allJson, OutputEncodings } from "../../../../../server/http/codec/output-encodings.ts";
import { ResponseScratch } from "../../../../../server/http/codec/response-scratch.ts";
import { codecOperations } from "../../../../../server/http/codec-thread/codec-operations.ts";
import { joinRequest } from "../../../../../server/http/codec-thread/infer-request-parts.ts";
import { copyResponse } from "../../../../../server/http/codec-thread/infer-response-parts.ts";

const maxInputBytes = 1_000_000;

/** Sends a body through the operation and both clones, as between threads. */
function decodeElsewhere(body: Uint8Array, headerBytes: number): DecodedInferRequest {
  const question = structuredClone({ body: new Uint8Array(body), headerBytes, maxInputBytes });
  const { answer, transfer } = codecOperations["decode-infer-request"](question);
  return joinRequest(structuredClone(answer, { transfer: [...transfer] }));
}

function decodeHere(body: Uint8Array, headerBytes: number): DecodedInferRequest {
  return decodeInferRequest({ body, headerBytes, maxInputBytes, headerCache: new InferHeaderCache() });
}

const everything = JSON.stringify({
  id: "é7",
  parameters: { sequence_id: 1, sequence_start: true, priority: 3, timeout: 5, own: "x", flag: true },
  inputs: [
    { name: "A", datatype: "FP32", shape: [3], data: [1.5, [-2, 3e3]] },
    { name: "B", datatype: "BYTES", shape: [1, 2], data: ["ä\n", ""] },
    { name: "E", datatype: "INT32", shape: [0], data: [] },
    { name: "F", datatype: "INT64", shape: [0, 2], data: [] },
    { name: "U", datatype: "UINT64", shape: [1], data: [1] },
  ],
  outputs: [
    { name: "O", parameters: { binary_data: true } },
    { name: "C", parameters: { classification: 2 } },
  ],
});

describe("codecOperations decode-infer-request", () => {
  it("gives what decoding on the event loop gives, as the same classes", () => {
    const there = decodeElsewhere(Buffer.from(everything), -1);
    const here = decodeHere(Buffer.from(everything), -1);
    assert.deepEqual(there, here);
    assert.ok(there instanceof DecodedInferRequest);
    assert.ok(there.inputs.every((input) => input instanceof Tensor));
    assert.equal(there.outputEncodings.of("O"), "binary");
    assert.equal(there.outputEncodings.of("C"), "json");
  });

  it("moves binary tensors behind the JSON too", () => {
    const header = Buffer.from(
      '{"parameters":{"big":9007199254740993,"binary_data_output":true},"inputs":[' +
        '{"name":"A","datatype":"INT8","shape":[3],"parameters":{"binary_data_size":3}},' +
        '{"name":"B","datatype":"INT8","shape":[2],"data":[7,8]}]}',
    );
    const body = Buffer.concat([header, Buffer.from([1, 2, 3])]);
    const there = decodeElsewhere(body, header.byteLength);
    assert.deepEqual([...(there.inputs[0]?.data ?? [])], [1, 2, 3]);
    assert.deepEqual([...(there.inputs[1]?.data ?? [])], [7, 8]);
    assert.equal(there.parameters?.get("big"), 9007199254740993n);
    // Found by identity when the response is written.
    assert.equal(there.outputEncodings, allBinary);
  });

  it("throws the same errors", () => {
    for (const text of [
      "",
      "{",
      '{"inputs":[{"name":"A","datatype":"FP32","shape":[2],"data":[1]}]}',
      "{}",
    ]) {
      const body = Buffer.from(text);
      let expected: unknown = null;
      try {
        decodeHere(body, -1);
      } catch (thrown) {
        expected = thrown;
      }
      assert.ok(expected instanceof StatusError);
      assert.throws(() => decodeElsewhere(body, -1), { code: expected.code, message: expected.message });
    }
  });
});

describe("codecOperations encode-infer-response", () => {
  const parameters = new Map<string, ParameterValue>([["big", 2n ** 60n]]);
  const response = new InferenceResponse({
    modelName: "m",
    modelVersion: "3",
    id: "7",
    parameters,
    buffer: null,
    outputs: [
      new Tensor("A", "INT32", [2], new Uint8Array(Int32Array.of(-1, 5).buffer)),
      new Tensor("B", "UINT8", [1, 3], Uint8Array.of(1, 2, 3)),
      new Tensor("E", "FP32", [0], new Uint8Array(0)),
    ],
  });

  for (const [name, encodings] of [
    ["JSON", allJson],
    ["binary outputs", allBinary],
    ["both", new OutputEncodings(new Map([["B", "binary"]]), "json")],
  ] as const) {
    it(`gives what encoding on the event loop gives: ${name}`, () => {
      const question = structuredClone(copyResponse(response, encodings));
      const { answer, transfer } = codecOperations["encode-infer-response"](question);
      const there = structuredClone(answer, { transfer: [...transfer] });
      const here = encodeInferResponse(response, encodings, new ResponseScratch(0));
      assert.equal(there.headerBytes, here.headerBytes);
      assert.equal(Buffer.from(there.body).toString("latin1"), Buffer.from(here.body).toString("latin1"));
    });
  }

  it("copies the outputs, whose memory is used again", () => {
    const data = Uint8Array.of(1, 2, 3);
    const parts = copyResponse(response.withOutputs([new Tensor("A", "UINT8", [3], data)]), allJson);
    data.fill(0xee);
    assert.deepEqual([...parts.data], [1, 2, 3]);
  });

  it("throws the same errors", () => {
    const half = response.withOutputs([new Tensor("A", "FP16", [1], new Uint8Array(2))]);
    assert.throws(() => codecOperations["encode-infer-response"](copyResponse(half, allJson)), {
      code: "INVALID_ARG",
      message: /sending FP16 data via JSON is not supported/,
    });
  });
});
