import type { KernelConfig, TensorInfo } from "@tensorflow/tfjs-core";
import { tf } from "./tensorflow-js.ts";

/** A kernel of one of the engines. */
export type Kernel = KernelConfig["kernelFunc"];
export type KernelCall = Parameters<Kernel>[0];

/** Puts a function between a kernel of an engine and those who call it. */
export function wrapKernel(
  kernelName: string,
  backend: "wasm" | "cpu",
  wrapper: (call: KernelCall, kernel: Kernel) => ReturnType<Kernel>,
): void {
  const config = tf.getKernel(kernelName, backend);
  tf.unregisterKernel(kernelName, backend);
  tf.registerKernel({ ...config, kernelFunc: (call) => wrapper(call, config.kernelFunc) });
}

/** A negative axis makes both engines' kernels permute by one dimension too many, and write beyond the tensor's memory. */
export function withPositiveAxis(call: KernelCall, kernel: Kernel): ReturnType<Kernel> {
  const rank = (call.inputs["x"] as TensorInfo).shape.length;
  const axis = Number(call.attrs?.["axis"] ?? 0);
  return kernel({ ...call, attrs: { ...call.attrs, axis: axis < 0 ? axis + rank : axis } });
}
