import assert from "node:assert/strict";
import { describe, it } from "mocha";
import type { DataType } from "../../../../../server/core/data-type.ts";
import type { Tensor } from "../../../../../server/core/tensor.ts";
import type { DecodedInferRequest } from "../../../../../server/http/codec/decoded-infer-request.ts";
import { decodeRawInferRequest } from "../../../../../server/http/codec/raw-infer-request-decoder.ts";
import { invalid } from "./status-matcher.ts";

function decode(
  datatype: DataType,
  shape: number[],
  body: Uint8Array,
  maxBatchSize = 0,
): DecodedInferRequest {
  return decodeRawInferRequest({
    body,
    maxInputBytes: 100,
    modelName: "m",
    modelInputs: [{ name: "IN", datatype, shape, isOptional: false }],
    maxBatchSize,
  });
}

function onlyInput({ inputs }: DecodedInferRequest): Tensor {
  assert.equal(inputs.length, 1);
  return inputs[0]!;
}

describe("decodeRawInferRequest", () => {
  it("finds the variable dimension from the byte count", () => {
    const body = Buffer.alloc(24);
    const input = onlyInput(decode("FP32", [2, -1], body));
    assert.deepEqual(input.shape, [2, 3]);
    assert.equal(input.data, body);
    assert.deepEqual(onlyInput(decode("FP32", [2, -1], Buffer.alloc(0))).shape, [2, 0]);
  });

  it("implies batch size 1 for a batching model", () => {
    assert.deepEqual(onlyInput(decode("FP32", [-1, 2, -1], Buffer.alloc(8), 4)).shape, [1, 2, 1]);
    assert.deepEqual(onlyInput(decode("INT8", [-1, 4], Buffer.alloc(4), 4)).shape, [1, 4]);
  });

  it("gives a BYTES input its length", () => {
    const input = onlyInput(decode("BYTES", [-1, 1], Buffer.from("abc"), 8));
    assert.deepEqual(input.shape, [1, 1]);
    assert.deepEqual(Buffer.from(input.data), Buffer.from("\u0003\u0000\u0000\u0000abc"));
  });

  it("asks for all outputs as binary data", () => {
    const decoded = decode("INT8", [1], Buffer.alloc(1));
    assert.deepEqual(decoded.requestedOutputs, []);
    assert.equal(decoded.outputEncodings.of("any"), "binary");
  });

  it("refuses what cannot be deduced", () => {
    assert.throws(
      () => decode("INT8", [-1, -1], Buffer.alloc(4)),
      invalid("more than one variable-sized dimension"),
    );
    assert.throws(() => decode("FP32", [2, -1], Buffer.alloc(10)), invalid("no multiple of the 8 bytes"));
    for (const shape of [[2], [-1]]) {
      assert.throws(
        () => decode("BYTES", shape, Buffer.alloc(4)),
        invalid("the model must have input shape [1]"),
      );
    }
  });

  it("refuses a model that has not one input", () => {
    const input = { name: "IN", datatype: "INT8", shape: [1], isOptional: false } as const;
    for (const modelInputs of [[], [input, input]]) {
      assert.throws(
        () =>
          decodeRawInferRequest({
            body: Buffer.alloc(1),
            maxInputBytes: 9,
            modelName: "m",
            modelInputs,
            maxBatchSize: 0,
          }),
        invalid("must only have 1 input"),
      );
    }
  });

  it("refuses a body over the limit", () => {
    assert.throws(() => decode("INT8", [-1], Buffer.alloc(101)), invalid("--http-max-input-size"));
  });
});
