import type { MathBackendCPU } from "@tensorflow/tfjs-backend-cpu";
import type { TensorInfo } from "@tensorflow/tfjs-core";
import { repairEmptyReductions } from "./empty-reductions.ts";
import { guardDivision } from "./guarded-kernels.ts";
import { addCpuEngine, tf } from "./tensorflow-js.ts";
import { type KernelCall, withPositiveAxis, wrapKernel } from "./wrapped-kernel.ts";

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
  repairEmptyReductions("cpu");
  guardDivision("cpu");
  // Gives integers whatever it divides.
  wrapKernel("FloorDiv", "cpu", (call, kernel) =>
    call.inputs["a"]?.dtype === "float32" ? floorOfQuotient(call) : kernel(call),
  );
}

type CpuOnly = Pick<MathBackendCPU, "disposeIntermediateTensorInfo">;

function floorOfQuotient(call: KernelCall): TensorInfo {
  const { backend } = call;
  const quotient = tf.getKernel("RealDiv", "cpu").kernelFunc(call) as TensorInfo;
  const floor = tf.getKernel("Floor", "cpu").kernelFunc({ inputs: { x: quotient }, attrs: {}, backend });
  (backend as unknown as CpuOnly).disposeIntermediateTensorInfo(quotient);
  return floor as TensorInfo;
}
