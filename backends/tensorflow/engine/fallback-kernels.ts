import type { MathBackendCPU } from "@tensorflow/tfjs-backend-cpu";
import type { BackendWasm } from "@tensorflow/tfjs-backend-wasm";
import * as tf from "@tensorflow/tfjs-core";

/** A kernel of one of the two engines. */
type Kernel = tf.KernelConfig["kernelFunc"];
type KernelCall = Parameters<Kernel>[0];
type Inputs = KernelCall["inputs"];

/**
 * Lets kernels that WASM lacks, and those that cannot take strings there, run on the CPU engine: inputs are copied
 * out of the WASM memory, outputs back into it. Slow, and only for what would not run at all otherwise.
 */
export function registerFallbackKernels(): void {
  const wasm = new Map(tf.getKernelsForBackend("wasm").map((kernel) => [kernel.kernelName, kernel]));
  for (const { kernelName, kernelFunc } of tf.getKernelsForBackend("cpu")) {
    const native = wasm.get(kernelName);
    if (native === undefined) {
      tf.registerKernel({
        kernelName,
        backendName: "wasm",
        kernelFunc: (call) => runOnCpu(kernelFunc, call),
      });
      continue;
    }
    // These only look at shapes, or know strings themselves.
    if (stringSafeKernels.has(kernelName)) continue;
    tf.unregisterKernel(kernelName, "wasm");
    tf.registerKernel({
      ...native,
      kernelFunc: (call) => (hasString(call.inputs) ? runOnCpu(kernelFunc, call) : native.kernelFunc(call)),
    });
  }
}

const stringSafeKernels: ReadonlySet<string> = new Set([
  "Identity",
  "Reshape",
  "ExpandDims",
  "StringNGrams",
  "StringSplit",
  "StringToHashBucketFast",
]);

function hasString(inputs: Inputs): boolean {
  for (const name in inputs) {
    const tensor = inputs[name];
    if (Array.isArray(tensor)) {
      if (tensor.some((member: tf.TensorInfo) => member.dtype === "string")) return true;
    } else if (tensor?.dtype === "string") return true;
  }
  return false;
}

/** Runs a kernel of the CPU engine on tensors of the WASM engine. */
export function runOnCpu(
  kernel: Kernel,
  { inputs, attrs, backend }: KernelCall,
): tf.TensorInfo | tf.TensorInfo[] {
  const wasm = backend as Engine;
  const cpu = tf.engine().findBackend("cpu") as unknown as Engine & CpuOnly;
  const lent: tf.TensorInfo[] = [];
  const lend = (tensor: tf.TensorInfo): tf.TensorInfo => {
    const copy = copyOf(tensor, wasm, cpu);
    lent.push(copy);
    return copy;
  };
  // Some kernels take a list of tensors in place of tensors by name.
  const cpuInputs = (Array.isArray(inputs) ? [] : {}) as Inputs;
  for (const [name, tensor] of Object.entries(inputs)) {
    if (tensor === undefined) continue;
    const members = tensor as tf.TensorInfo | tf.TensorInfo[];
    (cpuInputs as Record<string, unknown>)[name] = Array.isArray(members) ? members.map(lend) : lend(members);
  }
  const result = kernel({ inputs: cpuInputs, attrs: attrs ?? {}, backend: cpu });
  const outputs = Array.isArray(result) ? result : [result];
  const kept = outputs.map((output) => copyOf(output, cpu, wasm));
  for (const output of outputs) cpu.disposeIntermediateTensorInfo(output);
  for (const tensor of lent) cpu.disposeData(tensor.dataId, true);
  return Array.isArray(result) ? kept : (kept[0] ?? []);
}

/** What both engines have, of what is used here. */
type Engine = Pick<BackendWasm, "readSync" | "write" | "disposeData">;
type CpuOnly = Pick<MathBackendCPU, "disposeIntermediateTensorInfo">;

/** A copy in the memory of another engine. Complex numbers are two tensors on the CPU engine, which WASM holds nowhere. */
function copyOf(tensor: tf.TensorInfo, from: Engine, to: Engine): tf.TensorInfo {
  const { shape, dtype } = tensor;
  const values = from.readSync(tensor.dataId);
  return { dataId: to.write(values, shape, dtype), shape, dtype };
}
