import type { DataType, TensorInfo } from "@tensorflow/tfjs-core";
import { runOnCpu } from "./cpu-kernels.ts";
import { repairEmptyReductions } from "./empty-reductions.ts";
import { tf } from "./tensorflow-js.ts";
import { type KernelCall, withPositiveAxis, wrapKernel } from "./wrapped-kernel.ts";

/**
 * Kernels of TensorFlow.js 4.22's WASM engine that are wrong for some arguments, and how each is called so that it is
 * right. The test that compares all kernels with those of the CPU engine fails without any of these.
 */
export function registerRepairedKernels(): void {
  for (const name of ["Cumsum", "Cumprod"]) wrapKernel(name, "wasm", withPositiveAxis);
  repairEmptyReductions("wasm");
  repairTypes();
  repairShapes();
  // Begin with the smallest positive number instead of the most negative: wrong where all values are below zero.
  for (const name of ["MaxPool3D", "MaxPoolWithArgmax", "Dilation2D"]) runElsewhere(name, () => true);
  // Small numbers have the sign 0.
  runElsewhere("Sign", ({ inputs }) => dtypeOf(inputs, "x") === "float32");
  // Other pixels beyond the border.
  runElsewhere("Transform", ({ attrs }) => attrs?.["fillMode"] === "reflect");
}

function repairTypes(): void {
  // Writes integers whatever the type of the output is.
  runElsewhere("OneHot", ({ attrs }) => attrs?.["dtype"] !== "int32");
  // Take or give FP32 whatever the type is.
  runElsewhere("StridedSlice", ({ inputs }) => dtypeOf(inputs, "x") !== "float32");
  runElsewhere("ClipByValue", ({ inputs }) => dtypeOf(inputs, "x") !== "float32");
  runElsewhere("ResizeNearestNeighbor", ({ inputs }) => dtypeOf(inputs, "images") !== "float32");
  // Keeps numbers other than 0 and 1 as the values of a BOOL tensor, and fractions as false.
  runElsewhere("Cast", ({ inputs, attrs }) => attrs?.["dtype"] === "bool" && dtypeOf(inputs, "x") !== "bool");
  runElsewhere("Reverse", ({ inputs }) => dtypeOf(inputs, "x") === "bool");
  // Writes four bytes for each element, of which a BOOL tensor has one: beyond the tensor's memory.
  runElsewhere("Select", ({ inputs }) => dtypeOf(inputs, "t") === "bool");
  // Multiplies FP32 only, and says so.
  runElsewhere(
    "BatchMatMul",
    ({ inputs }) => dtypeOf(inputs, "a") !== "float32" || isEmpty(inputs, "a") || isEmpty(inputs, "b"),
  );
}

function repairShapes(): void {
  // Knows only slopes for the last dimensions of its input, all of them or one.
  runElsewhere("Prelu", ({ inputs }) => !isSuffix(shapeOf(inputs, "alpha"), shapeOf(inputs, "x")));
  // Takes the rows of the first item for every item of the batch, and gives another shape when it has nothing to copy.
  runElsewhere(
    "GatherV2",
    ({ inputs, attrs }) =>
      Number(attrs?.["batchDims"] ?? 0) > 0 || isEmpty(inputs, "x") || isEmpty(inputs, "indices"),
  );
  // Add a bias of the output's last dimension only; MatMul reads beyond another one.
  runElsewhere("_FusedMatMul", ({ inputs, attrs }) => {
    const columns = shapeOf(inputs, "b").at(attrs?.["transposeB"] === true ? -2 : -1);
    return isOtherBias(inputs, columns);
  });
  runElsewhere("FusedConv2D", ({ inputs }) => isOtherBias(inputs, shapeOf(inputs, "filter")[3]));
  runElsewhere("FusedDepthwiseConv2D", ({ inputs }) => {
    const [, , channels = 0, multiplier = 0] = shapeOf(inputs, "filter");
    return isOtherBias(inputs, channels * multiplier);
  });
}

/** Has the calls for which a kernel is wrong run on the CPU engine. */
function runElsewhere(name: string, isWrong: (call: KernelCall) => boolean): void {
  wrapKernel(name, "wasm", (call, kernel) => (isWrong(call) ? runOnCpu(name, call) : kernel(call)));
}

type Inputs = KernelCall["inputs"];

function dtypeOf(inputs: Inputs, name: string): DataType | undefined {
  return inputs[name]?.dtype;
}

function shapeOf(inputs: Inputs, name: string): readonly number[] {
  return (inputs[name] as TensorInfo).shape;
}

function isEmpty(inputs: Inputs, name: string): boolean {
  return tf.util.sizeFromShape([...shapeOf(inputs, name)]) === 0;
}

function isOtherBias(inputs: Inputs, channels: number | undefined): boolean {
  const bias = inputs["bias"];
  return bias !== undefined && (bias.shape.length !== 1 || bias.shape[0] !== channels);
}

/** Whether a shape, without leading ones, is the end of another that it does not make larger. */
function isSuffix(shape: readonly number[], whole: readonly number[]): boolean {
  const first = shape.findIndex((size) => size !== 1);
  const rest = first === -1 ? [] : shape.slice(first);
  const isInside = shape.length <= whole.length;
  return isInside && rest.every((size, i) => size === whole[whole.length - rest.length + i]);
}
