import assert from "node:assert/strict";
import { describe, it } from "mocha";
import {
  decodePredictJson,
  encodePredictJson,
} from "../../../../../perf_analyzer/client-backend/tfserving/predict-json.ts";
import { describeSignature } from "../../../../../perf_analyzer/client-backend/tfserving/signature-description.ts";
import {
  outputOfTensor,
  tensorFields,
} from "../../../../../perf_analyzer/client-backend/tfserving/tensor-message.ts";
import { encodeElements } from "../../../../../perf_analyzer/infer-data/element-codec.ts";

const bytes = (values: readonly unknown[], datatype: Parameters<typeof encodeElements>[0]): Uint8Array =>
  encodeElements(datatype, values, "test");

describe("encodePredictJson", () => {
  it("nests tensors by their shape, and writes bytes that are no text as base64", () => {
    const binary = Buffer.from([2, 0, 0, 0, 0xff, 0xfe]);
    const body = encodePredictJson("s", [
      { name: "a", datatype: "INT64", shape: [2, 1, 2], data: bytes(["9007199254740993", 2, 3, 4], "INT64") },
      { name: "b", datatype: "BYTES", shape: [1], data: binary },
      { name: "c", datatype: "BOOL", shape: [], data: bytes([true], "BOOL") },
    ]);
    assert.equal(
      body.toString(),
      '{"signature_name":"s","inputs":{"a":[[[9007199254740993,2]],[[3,4]]],"b":[{"b64":"//4="}],"c":true}}',
    );
  });

  it("refuses what JSON cannot carry", () => {
    const half = { name: "h", datatype: "FP16" as const, shape: [1], data: Buffer.alloc(2) };
    assert.throws(() => encodePredictJson("s", [half]), /"h" is FP16, which JSON tensors do not have/);
  });
});

describe("decodePredictJson", () => {
  const decode = (document: object, ...outputs: Parameters<typeof decodePredictJson>[1][number][]): unknown =>
    decodePredictJson(Buffer.from(JSON.stringify(document)), outputs);

  it("reads a single output without its name, and several with theirs", () => {
    const data = bytes([1, 2], "FP32");
    assert.deepEqual(decode({ outputs: [[1], [2]] }, { name: "y", datatype: "FP32" }), [
      { name: "y", datatype: "FP32", shape: [2, 1], data },
    ]);
    const two = [
      { name: "y", datatype: "FP32" as const },
      { name: "t", datatype: "BYTES" as const },
    ];
    assert.deepEqual(decode({ outputs: { t: [{ b64: "YQ==" }, "b"], y: [1, 2] } }, ...two), [
      { name: "y", datatype: "FP32", shape: [2], data },
      { name: "t", datatype: "BYTES", shape: [2], data: Buffer.from(bytes(["a", "b"], "BYTES")) },
    ]);
  });

  it("says what a response lacks", () => {
    assert.throws(() => decode({}, { name: "y", datatype: "FP32" }), /it has no "outputs"/);
    const two = [
      { name: "y", datatype: "FP32" as const },
      { name: "t", datatype: "BYTES" as const },
    ];
    assert.throws(() => decode({ outputs: { y: [1] } }, ...two), /it lacks the output "t"/);
  });
});

describe("outputOfTensor", () => {
  const shape = { dim: [{ size: "3" }] };

  it("reads packed bytes, lists, and lists whose end repeats", () => {
    const content = bytes([1, 2, 3], "INT32");
    assert.deepEqual(
      outputOfTensor("y", { dtype: 3, tensor_shape: shape, tensor_content: content }).data,
      content,
    );
    assert.deepEqual(
      outputOfTensor("y", { dtype: 3, tensor_shape: shape, int_val: [1, 2, 3] }).data,
      content,
    );
    const repeated = outputOfTensor("y", { dtype: 9, tensor_shape: shape, int64_val: ["-7"] });
    assert.deepEqual(repeated, {
      name: "y",
      datatype: "INT64",
      shape: [3],
      data: bytes([-7, -7, -7], "INT64"),
    });
    const half = outputOfTensor("h", { dtype: 19, tensor_shape: shape, half_val: [0x3c00, 0x4000] });
    assert.deepEqual([...half.data], [0, 0x3c, 0, 0x40, 0, 0x40]);
    const text = outputOfTensor("t", { dtype: 7, tensor_shape: { dim: [] }, string_val: [Buffer.from("a")] });
    assert.deepEqual([...text.data], [1, 0, 0, 0, 97]);
  });

  it("refuses types without a counterpart, and too many values", () => {
    assert.throws(() => outputOfTensor("y", { dtype: 8, tensor_shape: shape }), /TensorFlow's data type 8/);
    const many = { dtype: 1, tensor_shape: { dim: [] }, float_val: [1, 2] };
    assert.throws(() => outputOfTensor("y", many), /2 values for 1 elements/);
  });

  it("reads what tensorFields has written", () => {
    const input = { name: "x", datatype: "BF16" as const, shape: [2, 1], data: bytes([1, -2], "BF16") };
    assert.deepEqual(outputOfTensor("x", tensorFields(input)), input);
  });
});

describe("describeSignature", () => {
  const tensor = (dims: readonly number[], dtype: unknown = "DT_FLOAT"): object => ({
    dtype,
    tensor_shape: { dim: dims.map((size) => ({ size: String(size) })) },
  });
  const describeWith = (
    inputs: object,
    shapes: readonly (readonly [string, readonly number[]])[] = [],
  ): ReturnType<typeof describeSignature> =>
    describeSignature(
      { s: { inputs, outputs: { y: tensor([-1, 10]) } } },
      { modelName: "m", signatureName: "s", shapes: new Map(shapes) },
    );

  it("takes a variable first dimension of every input for the batch", () => {
    const { metadata, config } = describeWith({ a: tensor([-1, 4]), b: tensor([-1], 9) });
    assert.deepEqual(metadata["inputs"], [
      { name: "a", datatype: "FP32", shape: [-1, 4] },
      { name: "b", datatype: "INT64", shape: [-1] },
    ]);
    assert.ok(Number(config["max_batch_size"]) > 1_000_000);
  });

  it("does not when one is fixed, or the user gives the dimensions in full", () => {
    assert.equal(describeWith({ a: tensor([-1, 4]), b: tensor([1]) }).config["max_batch_size"], 0);
    assert.equal(describeWith({ a: tensor([-1, 4]) }, [["a", [8, 4]]]).config["max_batch_size"], 0);
    assert.ok(Number(describeWith({ a: tensor([-1, -1]) }, [["a", [4]]]).config["max_batch_size"]) > 0);
  });

  it("says which tensor cannot be sent", () => {
    assert.throws(
      () => describeWith({ a: tensor([1], "DT_COMPLEX64") }),
      /Tensor "a" has a data type .*DT_COMPLEX64/,
    );
    assert.throws(
      () => describeWith({ a: { dtype: 1, tensor_shape: { unknown_rank: true } } }),
      /--shape a:1,2/,
    );
  });
});
