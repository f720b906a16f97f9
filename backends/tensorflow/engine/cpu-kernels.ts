import type { MathBackendCPU } from "@tensorflow/tfjs-backend-cpu";
import type { BackendWasm } from "@tensorflow/tfjs-backend-wasm";
import type { backend_util, DataType, KernelConfig, TensorInfo } from "@tensorflow/tfjs-core";
import { addRepairedCpuEngine } from "./cpu-engine.ts";
import { tf } from "./tensorflow-js.ts";
import type { KernelCall } from "./wrapped-kernel.ts";

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
  return { dataId: to.write(elementsOf(values, dtype), shape, dtype), shape, dtype };
}

/** Some kernels of the CPU engine leave whole numbers as FP32, which WASM's memory would take for other numbers. */
function elementsOf(values: backend_util.BackendValues, dtype: DataType): backend_util.BackendValues {
  if (dtype === "int32" && !(values instanceof Int32Array))
    return Int32Array.from(values as ArrayLike<number>);
  return values;
}
