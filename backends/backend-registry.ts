import type { Backend } from "./backend.ts";
import { onnxRuntimeBackend } from "./onnxruntime/onnxruntime-backend.ts";

/** Every backend of this server by name. A new backend adds its line here. */
const backends: ReadonlyMap<string, Backend> = new Map(
  [onnxRuntimeBackend].map((backend) => [backend.name, backend]),
);

/** The backend that a config's `backend` names, or `null`. */
export function findBackend(name: string): Backend | null {
  return backends.get(name) ?? null;
}

/** All backends, for the start-up table and for messages. */
export function allBackends(): readonly Backend[] {
  return [...backends.values()];
}
