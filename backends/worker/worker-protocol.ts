import type { BatchSpec, ModelInstanceInit, ModelSignature } from "../backend.ts";
import type { Failure } from "../../server/core/status.ts";

/**
 * The messages between the main thread and an instance's worker. In the steady state only frames travel: a bare
 * ArrayBuffer, in both directions, one batch each, answered in order. See batch-frame.ts for what is inside.
 */

/** Given to the worker as its start data. */
export interface WorkerStart {
  readonly instanceModuleUrl: string;
  readonly init: ModelInstanceInit;
}

/** Main thread → worker, beside frames. */
export type ToWorker = { readonly kind: "bind"; readonly spec: BatchSpec } | { readonly kind: "finalize" };

/** Worker → main thread, beside frames. */
export type FromWorker =
  | { readonly kind: "loaded"; readonly signature: ModelSignature }
  | { readonly kind: "load-failed"; readonly failure: Failure }
  | { readonly kind: "bound" }
  /** Answers a frame, which comes back with it, when the execution failed. */
  | { readonly kind: "batch-failed"; readonly failure: Failure; readonly frame: ArrayBuffer }
  | { readonly kind: "finalized" };
