import type { DataType, TensorInfo } from "@tensorflow/tfjs-core";
import { type KernelCall, runOnCpu, withPositiveAxis, wrapKernel } from "./cpu-kernels.ts";
import { tf } from "./tensorflow-js.ts";

/**
 * Kernels of TensorFlow.js 4.22, most of its WASM engine, that are wrong for some arguments, and how each is called so that it is right.
 * The conformance test fails without any of these.
 */
export function registerRepairedKernels(): void {
  for (const name of ["Cumsum", "Cumprod"]) wrapKernel(name, "wasm", withPositiveAxis);
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
  // Takes no account of an input that is smaller than its slopes.
  runElsewhere("Prelu", ({ inputs }) => isBroadcast(inputs, "x", "alpha"));
  // Takes the rows of the first item for every item of the batch.
  runElsewhere("GatherV2", ({ attrs }) => Number(attrs?.["batchDims"] ?? 0) > 0);
}

/** Has the calls for which a kernel is wrong run on the CPU engine. */
function runElsewhere(name: string, isWrong: (call: KernelCall) => boolean): void {
  wrapKernel(name, "wasm", (call, kernel) => (isWrong(call) ? runOnCpu(name, call) : kernel(call)));
}

type Inputs = KernelCall["inputs"];

function dtypeOf(inputs: Inputs, name: string): DataType | undefined {
  return inputs[name]?.dtype;
}

/** Whether an input has to grow to the shape that it and the other one have together. */
function isBroadcast(inputs: Inputs, name: string, other: string): boolean {
  const [a, b] = [inputs[name] as TensorInfo, inputs[other] as TensorInfo];
  return !tf.util.arraysEqual(tf.broadcast_util.assertAndGetBroadcastShape(a.shape, b.shape), a.shape);
}
