import type { Tensor, Tensor1D, Tensor4D } from "@tensorflow/tfjs-core";
import { StatusError } from "../../../server/core/status.ts";
import { checkedOperations } from "./checked-operations.ts";
import { firstOf, input, numberOf, numbersOf, type Operation, type OperationNode } from "./operation-node.ts";
import { resizeBicubic } from "./resize-bicubic.ts";
import { loadConverter, tf } from "./tensorflow-js.ts";

function spaceToDepth(x: Tensor, block: number): Tensor {
  const [batch = 0, height = 0, width = 0, depth = 0] = x.shape;
  const blocks = tf.reshape(x, [batch, height / block, block, width / block, block, depth]);
  return tf.reshape(tf.transpose(blocks, [0, 1, 3, 2, 4, 5]), [
    batch,
    height / block,
    width / block,
    block * block * depth,
  ]);
}

/** The engines' own take one of the two as having all batches. */
function batchMatMul(node: OperationNode): Tensor {
  const isAdjoint = (name: string): boolean => node.attrs[name] === true;
  const [x, y] = [input(node, 0), input(node, 1)];
  const [xBatches, yBatches] = [x.shape.slice(0, -2), y.shape.slice(0, -2)];
  const batches = tf.broadcast_util.assertAndGetBroadcastShape(xBatches, yBatches);
  const count = tf.util.sizeFromShape(batches);
  const isMutual = [xBatches, yBatches].every((own) => tf.util.sizeFromShape(own) < count);
  const whole = isMutual ? tf.broadcastTo(x, [...batches, ...x.shape.slice(-2)] as [number]) : x;
  return tf.matMul(whole, y, isAdjoint("adj_x"), isAdjoint("adj_y"));
}

function invertPermutation(x: Tensor): Tensor {
  const inverse = new Int32Array(x.size);
  x.dataSync().forEach((position, index) => {
    inverse[position] = index;
  });
  return tf.tensor1d(inverse, "int32");
}

/** Adds up rows by segment. */
function segmentSum(node: OperationNode, count: number): Tensor {
  return tf.unsortedSegmentSum(input(node, 0), input(node, 1) as Tensor1D, count);
}

function scatterAdd(node: OperationNode): Tensor {
  const target = input(node, 0);
  return tf.add(target, tf.scatterND(input(node, 1), input(node, 2), target.shape as [number]));
}

function adjustContrast(node: OperationNode): Tensor {
  const image = input(node, 0);
  const mean = tf.mean(image, [-3, -2], true);
  return tf.add(tf.mul(tf.sub(image, mean), input(node, 1)), mean);
}

function bucketize(node: OperationNode): Tensor {
  const x = tf.expandDims(tf.cast(input(node, 0), "float32"), -1);
  return tf.sum(
    tf.cast(tf.greaterEqual(x, tf.tensor1d(numbersOf(node, "boundaries"), "float32")), "int32"),
    -1,
  );
}

/** The executor's own reads both bounds from the same input. */
function bandPart(node: OperationNode): Tensor {
  return tf.linalg.bandPart(input(node, 0), firstOf(input(node, 1)), firstOf(input(node, 2)));
}

/** The executor's own knows no groups: the depth of the filters is then a part of the input's. */
function conv2d(node: OperationNode): Tensor {
  const x = input(node, 0) as Tensor4D;
  const filter = input(node, 1) as Tensor4D;
  if (node.attrs["data_format"] === "nchw")
    throw new StatusError("UNSUPPORTED", "Conv2D in NCHW is not supported yet");
  const [, strideY = 1, strideX = 1] = numbersOf(node, "strides");
  const [, dilationY = 1, dilationX = 1] = numbersOf(node, "dilations");
  const [, , top = 0, bottom = 0, left = 0, right = 0] = numbersOf(node, "explicit_paddings");
  const padding = node.attrs["padding"];
  const isExplicit = padding === "explicit";
  const margins: [number, number][] = [
    [0, 0],
    [top, bottom],
    [left, right],
    [0, 0],
  ];
  const padded = isExplicit ? tf.pad(x, margins) : x;
  const convolve = (part: Tensor4D, filters: Tensor4D): Tensor4D =>
    tf.conv2d(part, filters, [strideY, strideX], padding === "same" ? "same" : "valid", "NHWC", [
      dilationY,
      dilationX,
    ]);
  const groups = x.shape[3] / filter.shape[2];
  if (groups === 1 || !Number.isInteger(groups)) return convolve(padded, filter);
  const parts = tf.split(padded, groups, 3);
  const filters = tf.split(filter, groups, 3);
  return tf.concat(
    parts.map((part, group) => convolve(part as Tensor4D, required(filters[group]) as Tensor4D)),
    3,
  );
}

function required<T>(value: T | undefined): T {
  if (value === undefined) throw new Error("An operation lacks a part. This is a bug.");
  return value;
}

/** Only the main diagonal of square matrices, which is what `tf.linalg.diag` makes. */
function matrixDiag(node: OperationNode): Tensor {
  const diagonal = input(node, 0);
  const size = diagonal.shape[diagonal.rank - 1] ?? 0;
  const asked = [1, 2, 3].map((position) => firstOf(input(node, position)));
  if (asked[0] !== 0 || [asked[1], asked[2]].some((count) => count !== -1 && count !== size))
    throw new StatusError("UNSUPPORTED", "MatrixDiagV3 other than of the main diagonal is not supported yet");
  const isDiagonal = tf.cast(tf.eye(size), "bool");
  const rows = tf.tile(
    tf.expandDims(diagonal, -2),
    [...diagonal.shape.slice(1).map(() => 1), size, 1].slice(-diagonal.rank - 1),
  );
  return tf.where(isDiagonal, rows, tf.cast(input(node, 4), diagonal.dtype));
}

function reverseSequence(node: OperationNode): Tensor {
  const x = input(node, 0);
  const batchAxis = numberOf(node, "batch_dim");
  const sequenceAxis = numberOf(node, "seq_dim");
  const length = x.shape[sequenceAxis] ?? 0;
  const axis = sequenceAxis > batchAxis ? sequenceAxis - 1 : sequenceAxis;
  const items = tf.unstack(x, batchAxis).map((item, i) => {
    const count = Number(input(node, 1).dataSync()[i]);
    const order = Array.from({ length }, (_, step) => (step < count ? count - 1 - step : step));
    return tf.gather(item, tf.tensor1d(order, "int32"), axis);
  });
  return tf.stack(items, batchAxis);
}

function roll(node: OperationNode): Tensor {
  const axes = input(node, 2).dataSync();
  let rolled = input(node, 0);
  input(node, 1)
    .dataSync()
    .forEach((shift, i) => {
      const axis = ((axes[i] ?? 0) + rolled.rank) % rolled.rank;
      const size = rolled.shape[axis] ?? 0;
      if (size === 0) return;
      const behind = ((shift % size) + size) % size;
      const order = Array.from({ length: size }, (_, position) => (position - behind + size) % size);
      rolled = tf.gather(rolled, tf.tensor1d(order, "int32"), axis);
    });
  return tf.clone(rolled);
}

const operations: Readonly<Record<string, Operation>> = {
  ...checkedOperations,
  AdjustContrastv2: adjustContrast,
  BatchMatMul: batchMatMul,
  BatchMatMulV2: batchMatMul,
  BatchMatMulV3: batchMatMul,
  Bucketize: bucketize,
  Conv2D: conv2d,
  Erfc: (node) => tf.sub(1, tf.erf(input(node, 0))),
  Inv: (node) => tf.reciprocal(input(node, 0)),
  InvertPermutation: (node) => invertPermutation(input(node, 0)),
  L2Loss: (node) => tf.div(tf.sum(tf.square(input(node, 0))), 2),
  LogicalXor: (node) => tf.logicalXor(input(node, 0), input(node, 1)),
  MatrixBandPart: bandPart,
  MatrixDiagV3: matrixDiag,
  ResizeBicubic: resizeBicubic,
  ReverseSequence: reverseSequence,
  Rint: (node) => tf.round(input(node, 0)),
  Roll: roll,
  SegmentSum: (node) => segmentSum(node, input(node, 1).size === 0 ? 0 : firstOf(tf.max(input(node, 1))) + 1),
  Softsign: (node) => tf.div(input(node, 0), tf.add(tf.abs(input(node, 0)), 1)),
  SpaceToDepth: (node) => spaceToDepth(input(node, 0), numberOf(node, "block_size")),
  TensorScatterAdd: scatterAdd,
  UnsortedSegmentSum: (node) => segmentSum(node, firstOf(input(node, 2))),
  Xdivy: (node) => tf.divNoNan(input(node, 0), input(node, 1)),
};

let isRegistered = false;

/** Teaches the graph executor the operations that it lacks. Their names are {@link customOperationNames}. */
export function registerCustomOperations(): void {
  if (isRegistered) return;
  isRegistered = true;
  const { registerOp } = loadConverter();
  for (const [name, operation] of Object.entries(operations)) {
    registerOp(name, (node) => tf.tidy(() => operation(node as OperationNode)));
  }
}
