import assert from "node:assert/strict";
import * as tf from "@tensorflow/tfjs-core";
import { before, describe, it } from "mocha";
import { startEngine } from "../../../../../backends/tensorflow/engine/tensorflow-engine.ts";

type Compute = (x: tf.Tensor) => tf.Tensor;

/** Each is wrong on TensorFlow.js' WASM engine as published, for one of the types. */
const cases: Readonly<Record<string, Compute>> = {
  "Cumsum along a negative axis": (x) => tf.cumsum(tf.cast(x, "float32"), -1),
  "Cumprod along a negative axis": (x) => tf.cumprod(tf.cast(x, "float32"), -2),
  "GatherV2 with batch dimensions": (x) =>
    tf.gather(
      x,
      tf.tensor2d(
        [
          [1, 0],
          [2, 3],
          [0, 0],
        ],
        [3, 2],
        "int32",
      ),
      1,
      1,
    ),
  "OneHot in FP32": (x) => tf.oneHot(tf.cast(x, "int32"), 5, 2, -1, "float32"),
  StridedSlice: (x) => tf.stridedSlice(x, [0, 1, 0], [3, 4, 5], [2, 2, 1]),
  ClipByValue: (x) => (x.dtype === "bool" ? x : tf.clipByValue(x, 1, 3)),
  ResizeNearestNeighbor: (x) =>
    x.dtype === "bool" ? x : tf.image.resizeNearestNeighbor(x as tf.Tensor3D, [5, 7]),
  "Cast to BOOL": (x) => tf.cast(tf.mul(tf.cast(x, "float32"), 0.25), "bool"),
  Reverse: (x) => tf.reverse(x, [1]),
  Select: (x) => tf.where(tf.greater(tf.cast(x, "int32"), 0), x, tf.zerosLike(x)),
  Einsum: (x) => tf.einsum("abc,adc->abd", tf.cast(x, "float32"), tf.cast(x, "float32")),
  "Prelu whose input is broadcast": (x) => tf.prelu(tf.tensor1d([-1, 2, -3, 4, -5]), tf.cast(x, "float32")),
  "Transpose, Tile and Concat": (x) => tf.concat([tf.tile(tf.transpose(x, [2, 0, 1]), [1, 2, 1])], 0),
};

function computed(compute: Compute, dtype: "float32" | "int32" | "bool"): object {
  const values = Array.from({ length: 60 }, (_, i) => (i * 7) % (dtype === "bool" ? 2 : 11));
  return tf.tidy(() => {
    const result = compute(tf.tensor(values, [3, 4, 5], dtype));
    return { dtype: result.dtype, shape: result.shape, values: Array.from(result.dataSync()) };
  });
}

describe("registerRepairedKernels", () => {
  before(async () => startEngine("wasm"));

  for (const [name, compute] of Object.entries(cases)) {
    it(`lets the WASM engine compute ${name} as the CPU engine does`, async () => {
      for (const dtype of ["float32", "int32", "bool"] as const) {
        await startEngine("cpu");
        const expected = computed(compute, dtype);
        await startEngine("wasm");
        // More than once: what writes beyond a tensor's memory shows only later.
        for (let round = 0; round < 10; round++) assert.deepEqual(computed(compute, dtype), expected, dtype);
      }
    });
  }
});
