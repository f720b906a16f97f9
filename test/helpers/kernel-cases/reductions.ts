import type { Tensor } from "@tensorflow/tfjs-core";
import { tf } from "../../../backends/tensorflow/engine/tensorflow-js.ts";
import { CaseList, type Dtype, dtypes, type Shape, text } from "../kernel-case.ts";

const { cases, add } = new CaseList();

type Reduce = (x: Tensor, axis?: number[], keepDims?: boolean) => Tensor;
const reductions: Readonly<Record<string, readonly [Reduce, ...Dtype[]]>> = {
  Sum: [tf.sum, "float32", "int32"],
  Mean: [tf.mean, "float32", "int32"],
  Max: [tf.max, "float32", "int32"],
  Min: [tf.min, "float32", "int32"],
  Prod: [tf.prod, "float32", "int32"],
  All: [tf.all, "bool"],
  Any: [tf.any, "bool"],
  LogSumExp: [tf.logSumExp, "float32"],
};
const reducedShapes: readonly (readonly [Shape, readonly (number[] | undefined)[]])[] = [
  [[], [undefined]],
  [[6], [undefined, [0], [-1], []]],
  [
    [3, 4],
    [undefined, [0], [1], [-1], [0, 1], [-2]],
  ],
  [
    [2, 3, 4],
    [[0], [1], [2], [0, 2], [1, 2], [-1, 0], undefined],
  ],
  [
    [2, 3, 1, 4],
    [[1, 2], [0, 3], [2], [3, 1]],
  ],
  [
    [2, 1, 2, 3, 2],
    [[1, 3], [0, 2, 4], [4], undefined],
  ],
  [
    [2, 0, 3],
    [[0], [1], [2], undefined],
  ],
];
for (const [shape, axesList] of reducedShapes) {
  for (const axes of axesList) {
    for (const [name, [reduce, ...types]] of Object.entries(reductions)) {
      // Its difference of infinities has another shape in TensorFlow.js.
      if (name === "LogSumExp" && shape.includes(0)) continue;
      for (const dtype of types) {
        for (const keepDims of [false, true])
          add(`${name} ${dtype} ${text(shape, axes ?? "all", keepDims)}`, (draw) =>
            reduce(draw.tensor(shape, dtype), axes, keepDims),
          );
      }
    }
    if (axes?.length !== 1 || shape.includes(0)) continue;
    const [axis = 0] = axes;
    for (const dtype of ["float32", "int32"] as const) {
      add(`ArgMax ${dtype} ${text(shape, axis)}`, (draw) => tf.argMax(draw.tensor(shape, dtype), axis));
      add(`ArgMin ${dtype} ${text(shape, axis)}`, (draw) => tf.argMin(draw.tensor(shape, dtype), axis));
      for (const exclusive of [false, true]) {
        for (const reverse of [false, true]) {
          const how = `${dtype} ${text(shape, axis, exclusive, reverse)}`;
          add(`Cumsum ${how}`, (draw) => tf.cumsum(draw.tensor(shape, dtype), axis, exclusive, reverse));
          add(`Cumprod ${how}`, (draw) => tf.cumprod(draw.tensor(shape, dtype), axis, exclusive, reverse));
        }
      }
    }
    if (axis >= 0) {
      for (const dtype of dtypes)
        add(`Reverse ${dtype} ${text(shape, axis)}`, (draw) => tf.reverse(draw.tensor(shape, dtype), axis));
      add(`Softmax ${text(shape)}`, (draw) => [
        tf.softmax(draw.tensor(shape)),
        tf.logSoftmax(draw.tensor(shape)),
      ]);
    }
  }
}

/** Over axes: sums, products, extremes, running sums. */
export const reductionCases = cases;
