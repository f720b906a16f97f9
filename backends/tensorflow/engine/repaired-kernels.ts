import * as tf from "@tensorflow/tfjs-core";
import { runOnCpu } from "./fallback-kernels.ts";

/**
 * Kernels of TensorFlow.js 4.22, most of its WASM engine, that are wrong for some arguments, and how each is called so that it is right.
 * The conformance test fails without any of these.
 */
export function registerRepairedKernels(): void {
  // A negative axis makes them permute by one dimension too many, which writes beyond the tensor's memory.
  for (const name of ["Cumsum", "Cumprod"]) {
    for (const backend of ["wasm", "cpu"] as const) repair(name, withPositiveAxis, backend);
  }
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

function withPositiveAxis(call: Parameters<Kernel>[0], kernel: Kernel): ReturnType<Kernel> {
  const rank = (call.inputs["x"] as tf.TensorInfo).shape.length;
  const axis = Number(call.attrs?.["axis"] ?? 0);
  return kernel({ ...call, attrs: { ...call.attrs, axis: axis < 0 ? axis + rank : axis } });
}

/** Has the calls for which a kernel is wrong run on the CPU engine. */
function runElsewhere(name: string, isWrong: (call: Parameters<Kernel>[0]) => boolean): void {
  const { kernelFunc } = tf.getKernel(name, "cpu");
  repair(name, (call, kernel) => (isWrong(call) ? runOnCpu(kernelFunc, call) : kernel(call)));
}

type Inputs = Parameters<Kernel>[0]["inputs"];

function dtypeOf(inputs: Inputs, name: string): tf.DataType | undefined {
  return inputs[name]?.dtype;
}

/** Whether an input has to grow to the shape that it and the other one have together. */
function isBroadcast(inputs: Inputs, name: string, other: string): boolean {
  const [a, b] = [inputs[name] as tf.TensorInfo, inputs[other] as tf.TensorInfo];
  return !tf.util.arraysEqual(tf.broadcast_util.assertAndGetBroadcastShape(a.shape, b.shape), a.shape);
}

type Kernel = tf.KernelConfig["kernelFunc"];

function repair(
  kernelName: string,
  wrapper: (call: Parameters<Kernel>[0], kernel: Kernel) => ReturnType<Kernel>,
  backend: "wasm" | "cpu" = "wasm",
): void {
  const config = tf.getKernel(kernelName, backend);
  tf.unregisterKernel(kernelName, backend);
  tf.registerKernel({ ...config, kernelFunc: (call) => wrapper(call, config.kernelFunc) });
}
