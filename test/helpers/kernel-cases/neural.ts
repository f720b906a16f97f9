import type { Tensor, Tensor1D, Tensor2D, Tensor3D, Tensor4D, Tensor5D } from "@tensorflow/tfjs-core";
import { tf } from "../../../backends/tensorflow/engine/tensorflow-js.ts";
import { CaseList, type Draw, type Shape, text } from "../kernel-case.ts";

const { cases, add } = new CaseList();

const products: readonly (readonly [Shape, Shape, boolean, boolean])[] = [
  [[2, 3], [3, 4], false, false],
  [[3, 2], [3, 4], true, false],
  [[2, 3], [4, 3], false, true],
  [[3, 2], [4, 3], true, true],
  [[5, 2, 3], [5, 3, 4], false, false],
  [[1, 2, 3], [5, 3, 4], false, false],
  [[5, 2, 3], [3, 4], false, false],
  [[2, 3, 2, 4], [2, 3, 5, 4], false, true],
  [[0, 3], [3, 4], false, false],
  [[2, 0], [0, 3], false, false],
  [[1, 1], [1, 1], false, false],
  [[3, 4, 2], [1, 4, 5], true, false],
  [[17, 33], [33, 9], false, false],
];
for (const [a, b, transposeA, transposeB] of products) {
  for (const dtype of ["float32", "int32"] as const)
    add(`BatchMatMul ${dtype} ${text(a, b, transposeA, transposeB)}`, (draw) =>
      tf.matMul(draw.tensor(a, dtype), draw.tensor(b, dtype), transposeA, transposeB),
    );
}
const activations = ["linear", "relu", "relu6", "elu", "sigmoid", "prelu", "leakyrelu"] as const;
const alpha = (
  activation: string,
  draw: Draw,
  channels: number,
): { preluActivationWeights?: Tensor; leakyreluAlpha?: number } =>
  activation === "prelu"
    ? { preluActivationWeights: draw.tensor([channels]) }
    : activation === "leakyrelu"
      ? { leakyreluAlpha: 0.3 }
      : {};
for (const activation of activations) {
  for (const bias of ["none", "channels", "matrix", "scalar"] as const) {
    add(`_FusedMatMul ${activation} bias ${bias}`, (draw) =>
      tf.fused.matMul({
        a: draw.tensor([3, 4]),
        b: draw.tensor([4, 5]),
        activation,
        ...alpha(activation, draw, 5),
        ...(bias === "none"
          ? {}
          : { bias: draw.tensor({ channels: [5], matrix: [3, 5], scalar: [1] }[bias]) }),
      }),
    );
    if (bias === "matrix") continue;
    const biasOf = (draw: Draw, channels: number): object =>
      bias === "none" ? {} : { bias: draw.tensor(bias === "scalar" ? [1] : [channels]) };
    add(`FusedConv2D ${activation} bias ${bias}`, (draw) =>
      tf.fused.conv2d({
        x: draw.tensor([2, 5, 6, 3]) as Tensor4D,
        filter: draw.tensor([3, 2, 3, 4]) as Tensor4D,
        strides: 1,
        pad: "same",
        activation,
        ...biasOf(draw, 4),
        ...alpha(activation, draw, 4),
      }),
    );
    add(`FusedDepthwiseConv2D ${activation} bias ${bias}`, (draw) =>
      tf.fused.depthwiseConv2d({
        x: draw.tensor([2, 5, 6, 3]) as Tensor4D,
        filter: draw.tensor([3, 2, 3, 1]) as Tensor4D,
        strides: 1,
        pad: "same",
        activation,
        ...biasOf(draw, 3),
        ...alpha(activation, draw, 3),
      }),
    );
  }
}
const explicitPad: [number, number][] = [
  [0, 0],
  [1, 1],
  [0, 2],
  [0, 0],
];
for (const pad of ["valid", "same", explicitPad as unknown as "valid"] as const) {
  for (const [strides, dilations] of [
    [1, 1],
    [2, 1],
    [1, 2],
    [[1, 2], 1],
    [[2, 1], 1],
  ] as [number | [number, number], number][]) {
    const how = text(pad, strides, dilations);
    const image = (draw: Draw, channels = 3): Tensor4D => draw.tensor([2, 6, 7, channels]) as Tensor4D;
    for (const filter of [
      [3, 3, 3, 4],
      [1, 1, 3, 2],
      [2, 4, 3, 1],
    ] as const)
      add(`Conv2D ${how} ${text(filter)}`, (draw) =>
        tf.conv2d(image(draw), draw.tensor(filter) as Tensor4D, strides, pad, "NHWC", dilations),
      );
    for (const filter of [
      [3, 3, 3, 1],
      [2, 3, 3, 2],
    ] as const) {
      if (Array.isArray(strides)) continue;
      add(`DepthwiseConv2dNative ${how} ${text(filter)}`, (draw) =>
        tf.depthwiseConv2d(image(draw), draw.tensor(filter) as Tensor4D, strides, pad, "NHWC", dilations),
      );
    }
    if (dilations === 1 && typeof pad === "string") {
      for (const filter of [2, 3, [1, 2]] as (number | [number, number])[]) {
        add(`MaxPool ${how} ${text(filter)}`, (draw) => tf.maxPool(image(draw), filter, strides, pad));
        add(`AvgPool ${how} ${text(filter)}`, (draw) => tf.avgPool(image(draw), filter, strides, pad));
      }
      if (typeof strides === "number") {
        const volume = (draw: Draw): Tensor5D => draw.tensor([1, 4, 5, 4, 2]) as Tensor5D;
        add(`MaxPool3D ${how}`, (draw) => tf.maxPool3d(volume(draw), 2, strides, pad));
        add(`AvgPool3D ${how}`, (draw) => tf.avgPool3d(volume(draw), 2, strides, pad));
        add(`MaxPoolWithArgmax ${how}`, (draw) =>
          Object.values(tf.maxPoolWithArgmax(image(draw), 2, strides, pad)),
        );
        add(`Conv3D ${how}`, (draw) =>
          tf.conv3d(volume(draw), draw.tensor([2, 2, 3, 2, 3]) as Tensor5D, strides, pad),
        );
      }
    }
    if (dilations === 1 && typeof pad === "string") {
      add(`Dilation2D ${how}`, (draw) =>
        tf.dilation2d(image(draw), draw.tensor([2, 3, 3]) as Tensor3D, strides, pad, dilations),
      );
      add(`Conv2DBackpropInput ${how}`, (draw) => {
        const [y, x] = Array.isArray(strides) ? strides : [strides, strides];
        const grown = (size: number, stride: number): number =>
          pad === "same" ? size * stride : (size - 1) * stride + 3;
        return tf.conv2dTranspose(
          draw.tensor([2, 3, 4, 3]) as Tensor4D,
          draw.tensor([3, 3, 2, 3]) as Tensor4D,
          [2, grown(3, y), grown(4, x), 2],
          strides,
          pad,
        );
      });
    }
  }
}
for (const shape of [
  [2, 3, 4, 5],
  [3, 5],
  [2, 3, 5],
] as const) {
  for (const [offset, scale] of [
    [true, true],
    [false, true],
    [true, false],
    [false, false],
  ] as const) {
    add(`FusedBatchNorm ${text(shape, offset, scale)}`, (draw) =>
      tf.batchNorm(
        draw.tensor(shape) as Tensor4D,
        draw.tensor([5]) as Tensor1D,
        draw.between([5], 0.1, 2) as Tensor1D,
        offset ? (draw.tensor([5]) as Tensor1D) : undefined,
        scale ? (draw.tensor([5]) as Tensor1D) : undefined,
        1e-3,
      ),
    );
  }
}
add("LRN", (draw) => tf.localResponseNormalization(draw.tensor([1, 2, 3, 8]) as Tensor4D, 2, 1, 0.5, 0.75));
for (const method of ["bilinear", "nearest"] as const) {
  add(`CropAndResize ${method}`, (draw) =>
    tf.image.cropAndResize(
      draw.tensor([2, 5, 6, 3]) as Tensor4D,
      tf.tensor2d([
        [0, 0, 1, 1],
        [0.23, 0.12, 0.91, 1.31],
        [0.83, 0.91, 0.12, 0.21],
      ]),
      tf.tensor1d([0, 1, 1], "int32"),
      [3, 4],
      method,
      -7,
    ),
  );
  for (const fill of ["constant", "reflect", "wrap", "nearest"] as const)
    add(`Transform ${method} ${fill}`, (draw) =>
      tf.image.transform(
        draw.tensor([1, 5, 6, 2]) as Tensor4D,
        tf.tensor2d([[0.91, 0.13, 1.37, -0.23, 1.11, 0.71, 0, 0]]),
        method,
        fill,
        2,
        [4, 7],
      ),
    );
}
const boxes = (draw: Draw): Tensor2D => {
  const corner = draw.between([12, 2], 0, 3);
  return tf.concat([corner, tf.add(corner, draw.between([12, 2], 0.5, 2))], 1) as Tensor2D;
};
add("NonMaxSuppressionV3", (draw) =>
  tf.image.nonMaxSuppression(boxes(draw), draw.between([12], 0, 1) as Tensor1D, 6, 0.3, 0.2),
);
add("NonMaxSuppressionV4", (draw) =>
  Object.values<Tensor>(
    tf.image.nonMaxSuppressionPadded(boxes(draw), draw.between([12], 0, 1) as Tensor1D, 9, 0.3, 0.2, true),
  ),
);
add("NonMaxSuppressionV5", (draw) =>
  Object.values(
    tf.image.nonMaxSuppressionWithScore(boxes(draw), draw.between([12], 0, 1) as Tensor1D, 6, 0.3, 0.2, 0.5),
  ),
);
add("Einsum", (draw) => tf.einsum("bij,bjk->bik", draw.tensor([2, 3, 4]), draw.tensor([2, 4, 2])));
add("BandPart", (draw) => tf.linalg.bandPart(draw.tensor([2, 4, 4]), 1, 2));

/** Products, convolutions, pooling, normalisation and images. */
export const neuralCases = cases;
