import type { TensorInfo } from "@tensorflow/tfjs-core";
import { runOnCpu } from "./cpu-kernels.ts";
import { tf } from "./tensorflow-js.ts";
import { type KernelCall, wrapKernel } from "./wrapped-kernel.ts";

/** TensorFlow.js exports the name of each kernel as a constant of the same name. */
const kernelNames = Object.entries(tf).flatMap(([name, value]) => (name === value ? [name] : []));

/**
 * Lets kernels that WASM lacks, and those that cannot take strings there, run on the CPU engine: inputs are copied
 * out of the WASM memory, outputs back into it. Slow, and only for what would not run at all otherwise.
 */
export function registerFallbackKernels(): void {
  const wasm = new Set(tf.getKernelsForBackend("wasm").map(({ kernelName }) => kernelName));
  for (const kernelName of kernelNames) {
    if (!wasm.has(kernelName)) {
      const kernelFunc = (call: KernelCall): ReturnType<typeof runOnCpu> => runOnCpu(kernelName, call);
      tf.registerKernel({ kernelName, backendName: "wasm", kernelFunc });
    } else if (!stringSafeKernels.has(kernelName)) {
      wrapKernel(kernelName, "wasm", (call, kernel) =>
        hasString(call.inputs) ? runOnCpu(kernelName, call) : kernel(call),
      );
    }
  }
}

/** These only look at shapes, or know strings themselves. */
const stringSafeKernels: ReadonlySet<string> = new Set([
  "Identity",
  "Reshape",
  "ExpandDims",
  "StringNGrams",
  "StringSplit",
  "StringToHashBucketFast",
]);

function hasString(inputs: KernelCall["inputs"]): boolean {
  for (const name in inputs) {
    const tensor = inputs[name];
    if (Array.isArray(tensor)) {
      if (tensor.some((member: TensorInfo) => member.dtype === "string")) return true;
    } else if (tensor?.dtype === "string") return true;
  }
  return false;
}
