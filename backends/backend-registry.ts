import type { Backend } from "./backend.ts";
import { javaScriptBackend } from "./javascript/javascript-backend.ts";
import { onnxRuntimeBackend } from "./onnxruntime/onnxruntime-backend.ts";

/** A new backend adds itself here. */
const backends: readonly Backend[] = [onnxRuntimeBackend, javaScriptBackend];

/** Every backend of this server. Configs name them in `backend`. */
export function allBackends(): readonly Backend[] {
  return backends;
}
