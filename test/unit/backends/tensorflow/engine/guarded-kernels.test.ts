import assert from "node:assert/strict";
import type { Tensor } from "@tensorflow/tfjs-core";
import { after, before, describe, it } from "mocha";
import { startEngine } from "../../../../../backends/tensorflow/engine/tensorflow-engine.ts";
import { tf } from "../../../../../backends/tensorflow/engine/tensorflow-js.ts";
import { StatusError } from "../../../../../server/core/status.ts";

const int = (...values: number[]): Tensor => tf.tensor(values, [values.length], "int32");
const rows = (...values: number[]): Tensor => tf.tensor(values, [values.length, 1], "int32");

/** Each reads or writes beyond a tensor's memory on the WASM engine as published, or ends it. */
const refused: readonly (readonly [what: string, compute: () => Tensor, message: RegExp])[] = [
  ["GatherNd", () => tf.gatherND(tf.tensor1d([1, 2, 3]), rows(0, 3)), /index 3 is out of range.*size 3/],
  ["ScatterNd", () => tf.scatterND(rows(9), tf.tensor1d([1]), [3]), /index 9 is out of range/],
  ["ScatterNd below", () => tf.scatterND(rows(-1), tf.tensor1d([1]), [3]), /index -1 is out of range/],
  [
    "TensorScatterUpdate",
    () => tf.tensorScatterUpdate(tf.tensor1d([1, 2]), rows(2), tf.tensor1d([1])),
    /index 2 is out of range/,
  ],
  [
    "SparseToDense",
    () => tf.sparseToDense(int(5), tf.tensor1d([1]), [3], tf.scalar(0)),
    /index 5 is out of range/,
  ],
  [
    "CropAndResize",
    () =>
      tf.image.cropAndResize(
        tf.ones([1, 2, 2, 1]),
        tf.tensor2d([[0, 0, 1, 1]]),
        tf.tensor1d([1], "int32"),
        [1, 1],
      ),
    /index 1 is out of range/,
  ],
  ["Slice", () => tf.slice(tf.tensor1d([1, 2, 3]), [2], [5]), /Slice: 2 to 7 is out of range/],
  ["Transpose", () => tf.transpose(tf.ones([2, 3]), [1, 1]), /\[1,1\] names a dimension twice/],
  ["FloorDiv", () => tf.floorDiv(int(5), int(0)), /division of an integer by zero/],
  ["Mod", () => tf.mod(int(5, 4), int(1, 0)), /division of an integer by zero/],
];

describe("registerGuardedKernels", () => {
  before(async () => startEngine("wasm"));
  after(async () => startEngine("wasm"));

  for (const [what, compute, message] of refused) {
    it(`refuses ${what} beyond its tensor or by zero`, () => {
      assert.throws(
        () => tf.tidy(compute),
        (thrown: unknown) => {
          assert.ok(thrown instanceof StatusError);
          assert.equal(thrown.code, "INVALID_ARG");
          assert.match(thrown.message, message);
          return true;
        },
      );
    });
  }

  it("lets the ends of a tensor be named", () => {
    const [gathered, sliced] = tf.tidy(() => [
      Array.from(tf.gatherND(tf.tensor1d([1, 2, 3]), rows(2, 0)).dataSync()),
      Array.from(tf.slice(tf.tensor1d([1, 2, 3]), [3], [0]).dataSync()),
    ]);
    assert.deepEqual([gathered, sliced], [[3, 1], []]);
  });

  it("lets the CPU engine refuse a division by zero, and divide FP32 by it", async () => {
    await startEngine("cpu");
    assert.throws(() => tf.tidy(() => tf.floorDiv(int(5), int(0))), /by zero/);
    const quotient = tf.floorDiv(tf.tensor1d([5, 7.5]), tf.tensor1d([0, 2]));
    assert.deepEqual([quotient.dtype, Array.from(quotient.dataSync())], ["float32", [Infinity, 3]]);
    quotient.dispose();
  });
});
