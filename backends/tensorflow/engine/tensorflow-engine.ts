import { StatusError } from "../../../server/core/status.ts";
import { addRepairedCpuEngine } from "./cpu-engine.ts";
import { registerFallbackKernels } from "./fallback-kernels.ts";
import { registerGuardedKernels } from "./guarded-kernels.ts";
import { registerRepairedKernels } from "./repaired-kernels.ts";
import { addWasmEngine, tf } from "./tensorflow-js.ts";

/** The embedded engines: WebAssembly with SIMD, and plain JavaScript, which is many times slower. */
export type EngineName = "wasm" | "cpu";

let isWasmAdded = false;

/**
 * Starts the engine of this thread. Called before anything else of TensorFlow.js.
 *
 * @throws StatusError UNAVAILABLE when it does not start.
 */
export async function startEngine(name: EngineName): Promise<void> {
  // Without the advice to install something else, and without checks of every result for NaN.
  tf.enableProdMode();
  if (name === "cpu") addRepairedCpuEngine();
  else addRepairedWasmEngine();
  if (!(await tf.setBackend(name))) {
    throw new StatusError("UNAVAILABLE", `the embedded TensorFlow engine '${name}' did not start`);
  }
  await tf.ready();
}

function addRepairedWasmEngine(): void {
  if (isWasmAdded) return;
  isWasmAdded = true;
  addWasmEngine();
  registerRepairedKernels();
  registerGuardedKernels();
  registerFallbackKernels();
}

/** Tensors of this thread that are not yet disposed. Flat over any number of batches. */
export function liveTensorCount(): number {
  return tf.memory().numTensors;
}
