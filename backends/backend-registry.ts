import type { Backend } from "./backend.ts";
import { onnxRuntimeBackend } from "./onnxruntime/onnxruntime-backend.ts";

/** A new backend adds itself here. */
const backends: readonly Backend[] = [onnxRuntimeBackend];

/** Every backend of this server. Configs name them in `backend`. */
export function allBackends(): readonly Backend[] {
  return backends;
}
