import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { Tensor } from "onnxruntime-node";
import { joinBytesElements } from "../../../../server/core/bytes-elements.ts";
import {
  buildModel,
  type GraphNode,
  type NodeAttribute,
} from "../../../../tools/onnx-builder/build-model.ts";
import { ModelProto } from "../../../../tools/onnx-builder/onnx-proto.ts";
import { bytesOf } from "../../../../tools/onnx-builder/random-weights.ts";
import { loadModel, runModel } from "./run-model.ts";

/** One FP32 operator between INPUT0 and OUTPUT0 of these shapes. */
function operatorModel(
  op: string,
  attributes: Readonly<Record<string, NodeAttribute>>,
  shapes: { readonly input: readonly (number | string)[]; readonly output: readonly (number | string)[] },
  opset?: number,
): Uint8Array {
  const node: GraphNode = { op, inputs: ["INPUT0"], outputs: ["OUTPUT0"], attributes };
  return buildModel({
    inputs: [{ name: "INPUT0", datatype: "FP32", shape: shapes.input }],
    outputs: [{ name: "OUTPUT0", datatype: "FP32", shape: shapes.output }],
    nodes: [node],
    ...(opset === undefined ? {} : { opset }),
  });
}

const anyVector = { input: ["n"], output: ["n"] };

async function runOperator(model: Uint8Array, values: readonly number[], dims: readonly number[]) {
  const { OUTPUT0 } = await runModel(model, {
    INPUT0: new Tensor("float32", Float32Array.from(values), dims),
  });
  assert.ok(OUTPUT0);
  return { dims: OUTPUT0.dims, values: Array.from(OUTPUT0.data as Float32Array) };
}

/** The graph of the first test, serialised by the Python package `onnx` 1.23.2. */
const referenceHex =
  "080812066e65726569643a7d0a3e0a01781201791a0b5265647563654d61785f3022095265647563654d6178" +
  "2a0d0a046178657340004001a001072a0f0a086b65657064696d731800a00102120567726170682a0d080208" +
  "0110024201774a0207095a180a017812130a110801120d0a07120562617463680a020800620b0a017912060a" +
  "040801120042040a001011";

describe("buildModel", () => {
  it("writes the bytes that ONNX's own writer writes", () => {
    const model = buildModel({
      inputs: [{ name: "x", datatype: "FP32", shape: ["batch", 0] }],
      outputs: [{ name: "y", datatype: "FP32", shape: [] }],
      nodes: [
        {
          op: "ReduceMax",
          inputs: ["x"],
          outputs: ["y"],
          attributes: { axes: { ints: [0, 1] }, keepdims: { int: 0 } },
        },
      ],
      initializers: [{ name: "w", datatype: "UINT8", shape: [2, 1], data: Uint8Array.of(7, 9) }],
    });
    assert.equal(Buffer.from(model).toString("hex"), referenceHex);
  });

  it("gives the same bytes for the same graph", () => {
    const make = () => operatorModel("Elu", { alpha: { float: 0.5 } }, anyVector);
    assert.deepEqual(make(), make());
  });

  it("passes a float attribute", async () => {
    const result = await runOperator(
      operatorModel("LeakyRelu", { alpha: { float: 0.5 } }, anyVector),
      [-4, 3],
      [2],
    );
    assert.deepEqual(result.values, [-2, 3]);
  });

  it("passes an integer attribute of 0, whose default is another value", async () => {
    const shapes = { input: [2, 3], output: [1, 6] };
    const result = await runOperator(
      operatorModel("Flatten", { axis: { int: 0 } }, shapes),
      [1, 2, 3, 4, 5, 6],
      [2, 3],
    );
    assert.deepEqual(result.dims, [1, 6]);
  });

  it("passes a list of integers", async () => {
    const shapes = { input: [2, 3], output: [3, 2] };
    const model = operatorModel("Transpose", { perm: { ints: [1, 0] } }, shapes);
    const result = await runOperator(model, [1, 2, 3, 4, 5, 6], [2, 3]);
    assert.deepEqual(result, { dims: [3, 2], values: [1, 4, 2, 5, 3, 6] });
  });

  it("passes a string attribute and takes operators of a newer opset", async () => {
    const gelu = (approximate: string) =>
      runOperator(operatorModel("Gelu", { approximate: { string: approximate } }, anyVector, 20), [1], [1]);
    const exact = (await gelu("none")).values[0]!;
    const viaTanh = (await gelu("tanh")).values[0]!;
    assert.ok(Math.abs(exact - 0.841345) < 1e-5, `exact ${exact}`);
    assert.ok(Math.abs(viaTanh - 0.841192) < 1e-5, `by tanh ${viaTanh}`);
    await assert.rejects(
      loadModel(operatorModel("Gelu", {}, anyVector, 17)),
      /Gelu/,
      "Gelu is not in opset 17: the version must have arrived",
    );
  });

  it("leaves out an optional input with an empty name", async () => {
    const model = buildModel({
      inputs: [{ name: "INPUT0", datatype: "FP32", shape: ["n"] }],
      outputs: [{ name: "OUTPUT0", datatype: "FP32", shape: ["n"] }],
      nodes: [{ op: "Clip", inputs: ["INPUT0", "", "max"], outputs: ["OUTPUT0"] }],
      initializers: [{ name: "max", datatype: "FP32", shape: [], data: bytesOf(Float32Array.of(2)) }],
    });
    assert.deepEqual((await runOperator(model, [-9, 1, 5], [3])).values, [-9, 1, 2]);
  });

  it("writes string constants from their wire form", async () => {
    const words = ["", "zwölf", "x"].map((word) => new TextEncoder().encode(word));
    const model = buildModel({
      inputs: [{ name: "INPUT0", datatype: "INT64", shape: ["n"] }],
      outputs: [{ name: "OUTPUT0", datatype: "BYTES", shape: ["n"] }],
      nodes: [{ op: "Gather", inputs: ["words", "INPUT0"], outputs: ["OUTPUT0"] }],
      initializers: [{ name: "words", datatype: "BYTES", shape: [3], data: joinBytesElements(words) }],
    });
    const { OUTPUT0 } = await runModel(model, {
      INPUT0: new Tensor("int64", BigInt64Array.of(2n, 0n, 1n), [3]),
    });
    assert.deepEqual(OUTPUT0?.data, ["x", "", "zwölf"]);
  });

  it("names variable dimensions and keeps fixed ones", async () => {
    const session = await loadModel(operatorModel("Neg", {}, { input: ["batch", 3], output: ["batch", 3] }));
    const [input] = session.inputMetadata;
    assert.ok(input?.isTensor);
    assert.deepEqual(input.shape, ["batch", 3]);
    await session.release();
  });

  it("leaves the rank open when the shape is null, and a scalar's is zero", () => {
    const shapeOf = (shape: readonly number[] | null): unknown => {
      const value = { name: "x", datatype: "FP32", shape } as const;
      const model = ModelProto.toObject(
        ModelProto.decode(buildModel({ inputs: [value], outputs: [], nodes: [] })),
      );
      const graph = model["graph"] as { input: { type: { tensorType: { shape?: unknown } } }[] };
      return graph.input[0]!.type.tensorType.shape;
    };
    assert.equal(shapeOf(null), undefined);
    assert.deepEqual(shapeOf([]), {});
  });
});
