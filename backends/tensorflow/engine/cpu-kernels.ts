import type { MathBackendCPU } from "@tensorflow/tfjs-backend-cpu";
import type { BackendWasm } from "@tensorflow/tfjs-backend-wasm";
import type { KernelConfig, TensorInfo } from "@tensorflow/tfjs-core";
import { addCpuEngine, tf } from "./tensorflow-js.ts";

/** A kernel of one of the engines. */
export type Kernel = KernelConfig["kernelFunc"];
export type KernelCall = Parameters<Kernel>[0];

let isAdded = false;

/**
 * Adds the engine in plain JavaScript, with what is wrong in it put right. Not before it is needed: loading it takes as
 * long as the rest of a small model.
 */
export function addRepairedCpuEngine(): void {
  if (isAdded) return;
  isAdded = true;
  addCpuEngine();
  for (const name of ["Cumsum", "Cumprod"]) wrapKernel(name, "cpu", withPositiveAxis);
}

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

/**
 * Runs a kernel of the CPU engine on tensors of the WASM engine.
 *
 * @throws Error when the CPU engine has no such kernel either.
 */
export function runOnCpu(
  kernelName: string,
  { inputs, attrs, backend }: KernelCall,
): TensorInfo | TensorInfo[] {
  addRepairedCpuEngine();
  const kernel = tf.getKernel(kernelName, "cpu") as KernelConfig | undefined;
  if (kernel === undefined) throw new Error(`the embedded engine has no kernel '${kernelName}'`);
  const wasm = backend as Engine;
  const cpu = tf.engine().findBackend("cpu") as unknown as Engine & CpuOnly;
  const lent: TensorInfo[] = [];
  const lend = (tensor: TensorInfo): TensorInfo => {
    const copy = copyOf(tensor, wasm, cpu);
    lent.push(copy);
    return copy;
  };
  // Some kernels take a list of tensors in place of tensors by name.
  const cpuInputs = (Array.isArray(inputs) ? [] : {}) as KernelCall["inputs"];
  for (const [name, tensor] of Object.entries(inputs)) {
    if (tensor === undefined) continue;
    const members = tensor as TensorInfo | TensorInfo[];
    (cpuInputs as Record<string, unknown>)[name] = Array.isArray(members) ? members.map(lend) : lend(members);
  }
  const result = kernel.kernelFunc({ inputs: cpuInputs, attrs: attrs ?? {}, backend: cpu });
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
function copyOf(tensor: TensorInfo, from: Engine, to: Engine): TensorInfo {
  const { shape, dtype } = tensor;
  const values = from.readSync(tensor.dataId);
  return { dataId: to.write(values, shape, dtype), shape, dtype };
}
