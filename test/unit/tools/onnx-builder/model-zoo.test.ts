import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { type InferenceSession, Tensor } from "onnxruntime-node";
import type { DataType } from "../../../../server/core/data-type.ts";
import * as zoo from "../../../../tools/onnx-builder/model-zoo.ts";
import { float16Tensor, loadModel, runModel } from "./run-model.ts";

function float32(values: readonly number[], dims: readonly number[]): Tensor {
  return new Tensor("float32", Float32Array.from(values), dims);
}

function outputOf(results: InferenceSession.OnnxValueMapType, name = "OUTPUT0"): Tensor {
  const output = results[name];
  assert.ok(output instanceof Tensor, `no tensor ${name}`);
  return output;
}

/** The bytes of a numeric tensor, whatever array type the runtime chose for it. */
function bytesOfTensor(tensor: Tensor): Buffer {
  const data = tensor.data as Exclude<Tensor["data"], string[]>;
  return Buffer.from(data.buffer, data.byteOffset, data.byteLength);
}

/** Four elements with a bit pattern of their own for each data type that the runtime's binding carries. */
const samples: Readonly<Record<Exclude<DataType, "BF16">, Tensor>> = {
  BOOL: new Tensor("bool", Uint8Array.of(1, 0, 0, 1), [1, 4]),
  UINT8: new Tensor("uint8", Uint8Array.of(1, 0, 128, 255), [1, 4]),
  UINT16: new Tensor("uint16", Uint16Array.of(1, 0, 0x8000, 0xffff), [1, 4]),
  UINT32: new Tensor("uint32", Uint32Array.of(1, 0, 0x80000000, 0xffffffff), [1, 4]),
  UINT64: new Tensor("uint64", BigUint64Array.of(1n, 0n, 2n ** 63n, 2n ** 64n - 1n), [1, 4]),
  INT8: new Tensor("int8", Int8Array.of(1, 0, -128, -1), [1, 4]),
  INT16: new Tensor("int16", Int16Array.of(1, 0, -0x8000, -1), [1, 4]),
  INT32: new Tensor("int32", Int32Array.of(1, 0, -0x80000000, -1), [1, 4]),
  INT64: new Tensor("int64", BigInt64Array.of(1n, 0n, -(2n ** 63n), 2n ** 53n + 1n), [1, 4]),
  FP16: float16Tensor(Uint16Array.of(0x3c00, 0x0001, 0x7c00, 0xfbff), [1, 4]),
  FP32: float32([1, -0, Infinity, 0.1], [1, 4]),
  FP64: new Tensor("float64", Float64Array.of(1, -0, Infinity, 0.1), [1, 4]),
  BYTES: new Tensor("string", ["", "a", "ß", "😀"], [1, 4]),
};

describe("identityModel", () => {
  for (const [datatype, input] of Object.entries(samples)) {
    it(`returns ${datatype} unchanged`, async () => {
      const model = zoo.identityModel(datatype as DataType, ["batch", 4]);
      const output = outputOf(await runModel(model, { INPUT0: input }));
      assert.equal(output.type, input.type);
      assert.deepEqual(output.dims, input.dims);
      if (datatype === "BYTES") assert.deepEqual(output.data, input.data);
      else assert.deepEqual(bytesOfTensor(output), bytesOfTensor(input));
    });
  }
});

describe("multiIdentityModel", () => {
  it("keeps tensors of different types apart", async () => {
    const model = zoo.multiIdentityModel(["FP32", "BYTES", "INT64"]);
    const feeds = { INPUT0: samples.FP32, INPUT1: samples.BYTES, INPUT2: samples.INT64 };
    const results = await runModel(model, feeds);
    assert.deepEqual(Object.keys(results), ["OUTPUT0", "OUTPUT1", "OUTPUT2"]);
    assert.deepEqual(outputOf(results, "OUTPUT0").data, samples.FP32.data);
    assert.deepEqual(outputOf(results, "OUTPUT1").data, samples.BYTES.data);
    assert.deepEqual(outputOf(results, "OUTPUT2").data, samples.INT64.data);
  });
});

describe("bf16Model", () => {
  it("is refused by the runtime's binding, by type number", async () => {
    await assert.rejects(loadModel(zoo.bf16Model()), { message: "Unsupported data type: 16" });
  });
});

describe("sumDifferenceModel", () => {
  it("adds and subtracts", async () => {
    const results = await runModel(zoo.sumDifferenceModel("INT32", 2), {
      INPUT0: new Tensor("int32", Int32Array.of(1, 2, 3, 4), [2, 2]),
      INPUT1: new Tensor("int32", Int32Array.of(10, 20, 30, 40), [2, 2]),
    });
    assert.deepEqual(outputOf(results, "OUTPUT0").data, Int32Array.of(11, 22, 33, 44));
    assert.deepEqual(outputOf(results, "OUTPUT1").data, Int32Array.of(-9, -18, -27, -36));
  });
});

/** The plain computation, in double precision. */
function runLayers(layers: readonly zoo.DenseLayer[], input: readonly number[]): number[] {
  let current = [...input];
  for (const [index, layer] of layers.entries()) {
    const sums = Array.from(layer.bias);
    for (const [row, value] of current.entries()) {
      for (let column = 0; column < layer.outputSize; column++) {
        sums[column]! += value * layer.weights[row * layer.outputSize + column]!;
      }
    }
    current = index === layers.length - 1 ? sums : sums.map((sum) => Math.max(0, sum));
  }
  return current;
}

describe("mlpModel", () => {
  it("computes what its layers say", async () => {
    const init = { sizes: [784, 512, 512, 10], seed: 7 };
    const rows = [0, 1, 2].map((row) =>
      Array.from({ length: 784 }, (_, i) => Math.fround(Math.sin(i * (row + 1)))),
    );
    const output = outputOf(await runModel(zoo.mlpModel(init), { INPUT0: float32(rows.flat(), [3, 784]) }));
    assert.deepEqual(output.dims, [3, 10]);

    const expected = rows.flatMap((row) => runLayers(zoo.mlpLayers(init), row));
    const actual = Array.from(output.data as Float32Array);
    for (const [i, value] of expected.entries()) {
      assert.ok(Math.abs(actual[i]! - value) < 1e-4, `output ${i}: ${actual[i]}, expected ${value}`);
    }
    const spread = Math.max(...expected) - Math.min(...expected);
    assert.ok(spread > 0.1, `outputs differ by ${spread} only: the comparison would prove nothing`);
  });

  it("depends on the seed, and on nothing else", () => {
    const make = (seed: number) => zoo.mlpModel({ sizes: [8, 4, 2], seed });
    assert.deepEqual(make(1), make(1));
    assert.notDeepEqual(make(1), make(2));
  });
});

describe("bigMlpModel", () => {
  it("has about the size asked for, and runs", async () => {
    const bytes = 1_000_000;
    const model = zoo.bigMlpModel(bytes);
    assert.ok(Math.abs(model.byteLength / bytes - 1) < 0.02, `${model.byteLength} bytes`);
    const width = zoo.bigMlpWidth(bytes);
    const output = outputOf(
      await runModel(model, { INPUT0: float32(new Array<number>(width).fill(1), [1, width]) }),
    );
    assert.deepEqual(output.dims, [1, width]);
    assert.ok((output.data as Float32Array).every(Number.isFinite));
  });
});

describe("slowModel", () => {
  it("returns its input", async () => {
    const values = Array.from({ length: 32 }, (_, i) => i - 7.5);
    const output = outputOf(await runModel(zoo.slowModel(3), { INPUT0: float32(values, [2, 16]) }));
    assert.deepEqual(Array.from(output.data as Float32Array), values);
  });

  it("takes longer with more loops", async () => {
    const input = { INPUT0: float32(new Array<number>(16).fill(1), [1, 16]) };
    /** The fastest of several runs: a busy machine can only add to it. */
    const fastestMs = async (loops: number) => {
      const session = await loadModel(zoo.slowModel(loops));
      let fastest = Infinity;
      for (let i = 0; i < 5; i++) {
        const start = performance.now();
        await session.run(input);
        fastest = Math.min(fastest, performance.now() - start);
      }
      await session.release();
      return fastest;
    };
    const fewMs = await fastestMs(10);
    const manyMs = await fastestMs(1_000);
    assert.ok(manyMs > 5 * fewMs, `10 loops ${fewMs} ms, 1000 loops ${manyMs} ms: were they optimised away?`);
  });
});

describe("failingModel", () => {
  const index = (...values: bigint[]) => ({
    INPUT0: new Tensor("int64", BigInt64Array.from(values), [values.length, 1]),
  });

  it("fails for an index that is out of range, and works again afterwards", async () => {
    const session = await loadModel(zoo.failingModel());
    await assert.rejects(session.run(index(1n, BigInt(zoo.failingModelLimit))), /out of data bounds, idx=4/);
    const output = outputOf(await session.run(index(3n, 1n)));
    assert.deepEqual(output.data, Float32Array.of(30, 10));
    await session.release();
  });
});

describe("fixedBatchModel", () => {
  it("takes its own number of rows only", async () => {
    const model = zoo.fixedBatchModel(2);
    const rows = (count: number) => ({ INPUT0: float32(new Array<number>(16 * count).fill(1), [count, 16]) });
    assert.deepEqual(outputOf(await runModel(model, rows(2))).dims, [2, 16]);
    await assert.rejects(runModel(model, rows(1)), /index: 0 Got: 1 Expected: 2/);
  });
});

describe("scalarModel", () => {
  it("takes and gives rank 0", async () => {
    const output = outputOf(await runModel(zoo.scalarModel(), { INPUT0: float32([2.5], []) }));
    assert.deepEqual(output.dims, []);
    assert.deepEqual(output.data, Float32Array.of(-2.5));
  });
});

describe("dynamicOutputModel", () => {
  it("gives as many positions as there are, none included", async () => {
    const session = await loadModel(zoo.dynamicOutputModel());
    const found = outputOf(await session.run({ INPUT0: float32([0, 5, 0, 7], [4]) }));
    assert.deepEqual(found.dims, [1, 2]);
    assert.deepEqual(found.data, BigInt64Array.of(1n, 3n));
    assert.deepEqual(outputOf(await session.run({ INPUT0: float32([0, 0], [2]) })).dims, [1, 0]);
    await session.release();
  });
});
