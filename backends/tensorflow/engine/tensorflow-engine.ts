import "@tensorflow/tfjs-backend-cpu";
import "@tensorflow/tfjs-backend-wasm";
import * as tf from "@tensorflow/tfjs-core";
import { StatusError } from "../../../server/core/status.ts";
import { registerCustomOperations } from "./custom-operations.ts";
import { registerFallbackKernels } from "./fallback-kernels.ts";
import { registerRepairedKernels } from "./repaired-kernels.ts";

/** The embedded engines: WebAssembly with SIMD, and plain JavaScript, which is many times slower. */
export type EngineName = "wasm" | "cpu";

let isRegistered = false;

/**
 * Starts the engine of this thread. Called before anything else of TensorFlow.js.
 *
 * @throws StatusError UNAVAILABLE when it does not start.
 */
export async function startEngine(name: EngineName): Promise<void> {
  // Without the advice to install something else, and without checks of every result for NaN.
  tf.enableProdMode();
  if (!isRegistered) {
    isRegistered = true;
    registerCustomOperations();
    registerRepairedKernels();
    registerFallbackKernels();
  }
  if (!(await tf.setBackend(name))) {
    throw new StatusError("UNAVAILABLE", `the embedded TensorFlow engine '${name}' did not start`);
  }
  await tf.ready();
}

/** Tensors of this thread that are not yet disposed. Flat over any number of batches. */
export function liveTensorCount(): number {
  return tf.memory().numTensors;
}
