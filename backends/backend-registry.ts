import type { Backend } from "./backend.ts";
import { javaScriptBackend } from "./javascript/javascript-backend.ts";
import { onnxRuntimeBackend } from "./onnxruntime/onnxruntime-backend.ts";
import { tensorFlowBackend } from "./tensorflow/tensorflow-backend.ts";

/** A new backend adds itself here. */
const backends: readonly Backend[] = [onnxRuntimeBackend, javaScriptBackend, tensorFlowBackend];

/** Every backend of this server. Configs name them in `backend`. */
export function allBackends(): readonly Backend[] {
  return backends;
}
