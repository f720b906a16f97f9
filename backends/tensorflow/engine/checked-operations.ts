import type { Tensor } from "@tensorflow/tfjs-core";
import { StatusError } from "../../../server/core/status.ts";
import { firstOf, input, numberOf, type Operation, type OperationNode } from "./operation-node.ts";
import { tf } from "./tensorflow-js.ts";

/** FP32 tells integers apart up to here; sums and products are compared a step away from the bounds. */
const slack = 512;

/** Refuses results that the node's integer type, held in 32 bits, does not have. */
function requireRange(node: OperationNode, exactish: Tensor): void {
  if (exactish.size === 0) return;
  const [least, most] = [numberOf(node, "least"), numberOf(node, "most")];
  // Bounds of 32 bits cannot be told apart from their neighbours in FP32: a little less is allowed there.
  const margin = most > 2 ** 24 ? slack : 0;
  const smallest = firstOf(tf.min(exactish));
  const largest = firstOf(tf.max(exactish));
  if (smallest >= least + margin && largest <= most - margin) return;
  throw new StatusError(
    "INVALID_ARG",
    `an integer of the model leaves the range from ${least} to ${most} that the embedded TensorFlow engine can hold: got ${largest > most - margin ? largest : smallest}`,
  );
}

type Compute = (x: Tensor, y: Tensor | undefined, node: OperationNode) => Tensor;

/** An operation on integers, with its result checked against the same operation on FP32. */
function checked(compute: Compute): Operation {
  return (node) => {
    const [, y] = node.inputs;
    const x = input(node, 0);
    const isAxis = y !== undefined && y.dtype === "int32" && y.rank <= 1 && reductions.has(compute);
    const wideY = y === undefined || isAxis ? y : tf.cast(y, "float32");
    requireRange(node, compute(tf.cast(x, "float32"), wideY, node));
    return compute(x, y, node);
  };
}

function required(tensor: Tensor | undefined): Tensor {
  if (tensor === undefined) throw new Error("An operation lacks an input. This is a bug.");
  return tensor;
}

function reduction(reduce: (x: Tensor, axes: number[], keepDims: boolean) => Tensor): Compute {
  return (x, axes, node) =>
    reduce(x, Array.from(required(axes).dataSync()), node.attrs["keep_dims"] === true);
}

const checkedSum = reduction((x, axes, keepDims) => tf.sum(x, axes, keepDims));
const checkedProd = reduction((x, axes, keepDims) => tf.prod(x, axes, keepDims));
/** Their second input says which axes. */
const reductions: ReadonlySet<Compute> = new Set([checkedSum, checkedProd]);

/** Towards zero, as a cast does: only then is it known what the result would be. */
function checkedCast(node: OperationNode): Tensor {
  const source = input(node, 0);
  const isWhole = source.dtype !== "float32";
  const whole = isWhole ? source : tf.where(tf.less(source, 0), tf.ceil(source), tf.floor(source));
  requireRange(node, tf.cast(whole, "float32"));
  return tf.cast(source, "int32");
}

/** Operations on integers that fail instead of leaving their type's range. @see saved-model/integer-policy.ts */
export const checkedOperations: Readonly<Record<string, Operation>> = {
  NereidCheckedAdd: checked((x, y) => tf.add(x, required(y))),
  NereidCheckedCast: checkedCast,
  NereidCheckedMul: checked((x, y) => tf.mul(x, required(y))),
  NereidCheckedNeg: checked((x) => tf.neg(x)),
  NereidCheckedProd: checked(checkedProd),
  NereidCheckedSquare: checked((x) => tf.square(x)),
  NereidCheckedSub: checked((x, y) => tf.sub(x, required(y))),
  NereidCheckedSum: checked(checkedSum),
};
