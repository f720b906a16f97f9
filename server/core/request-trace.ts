import type { InferenceRequest } from "./inference-request.ts";
import type { InferenceResponse } from "./inference-response.ts";
import type { Failure } from "./status.ts";

/**
 * Watches a request that was sampled for tracing. The tracer implements it; most requests have none.
 *
 * @remarks Every method runs on the way of the request: it notes times and copies what it keeps, nothing more.
 */
export interface RequestTrace {
  /** The request is valid and is about to be queued. Its inputs are lent for the length of this call. */
  onQueued(request: InferenceRequest): void;
  /** A response is about to reach the sink. Its outputs are lent for the length of this call. */
  onResponse(response: InferenceResponse): void;
  /** A failure in the place of a response is about to reach the sink. */
  onFailure(failure: Failure): void;
  /** The final call is about to reach the sink; the request's timestamps are set. Called once. */
  onEnd(request: InferenceRequest): void;
  /**
   * The trace of a request that this one causes, such as a step of an ensemble: sampled because this one is, and
   * linked to it. It must end before the request of this trace does.
   */
  child(modelName: string, modelVersion: string): RequestTrace;
}
