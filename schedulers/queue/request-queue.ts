import type { InferenceRequest } from "../../server/core/inference-request.ts";
import type { Status } from "../../server/core/status.ts";

/**
 * The waiting requests of a scheduler, in the order in which they are to be served.
 *
 * @remarks Two make it: {@link FifoRequestQueue} for models without queue policies, which costs next to nothing per
 * request, and {@link PriorityRequestQueue} for all others.
 */
export interface RequestQueue {
  readonly length: number;
  /**
   * Adds a request whose `queueStartUs` is set.
   *
   * @returns `null`, or why there is no room for it; the caller then still owns it.
   */
  push(request: InferenceRequest): Status;
  /** The request `position` places behind the one to be served next, or `undefined` beyond the end. */
  peek(position?: number): InferenceRequest | undefined;
  /** Takes the request to be served next, or `undefined` when none waits. */
  shift(): InferenceRequest | undefined;
  /**
   * Whether a request may be served before another one that stands in front of it, as far as the rules of this queue go:
   * they are of the same priority, and neither or both were delayed.
   */
  mayOvertake(request: InferenceRequest, other: InferenceRequest): boolean;
  /** Takes a request out wherever it stands. @returns Whether it was there. */
  remove(request: InferenceRequest): boolean;
  /** When {@link takeExpired} has something to do next, monotonic µs; `Infinity` when no request has a timeout. */
  nextExpiryUs(): number;
  /**
   * Applies the timeouts that are over: requests that may be delayed go behind the others of their level.
   *
   * @returns One that is to be rejected, taken out, now owned by the caller; `undefined` when there is none left. Call
   * it until then.
   */
  takeExpired(nowUs: number): InferenceRequest | undefined;
}
