import type { InferenceRequest, ResponseSink } from "../core/inference-request.ts";
import type { InferenceResponse } from "../core/inference-response.ts";
import type { Failure } from "../core/status.ts";
import type { SampledRequest } from "./sampled-request.ts";

/**
 * Stands before the sink of a sampled request that may get several responses: sending begins with the first and ends
 * with the last of them, which ends the trace.
 */
export class TracedSink implements ResponseSink {
  readonly #sampled: SampledRequest;
  readonly #sink: ResponseSink;
  #hasBegun = false;

  private constructor(sampled: SampledRequest, sink: ResponseSink) {
    this.#sampled = sampled;
    this.#sink = sink;
  }

  /** Lets the request be traced. Call it before the request is handed to its model. */
  static attach(request: InferenceRequest, sampled: SampledRequest): void {
    request.trace = sampled.trace;
    request.sink = new TracedSink(sampled, request.sink);
  }

  onResponse(response: InferenceResponse, isFinal: boolean): void {
    this.#begin();
    this.#sink.onResponse(response, isFinal);
    if (isFinal) this.#sampled.endSending();
  }

  onFailure(failure: Failure, isFinal: boolean): void {
    this.#begin();
    this.#sink.onFailure(failure, isFinal);
    if (isFinal) this.#sampled.endSending();
  }

  onEnd(): void {
    this.#begin();
    this.#sink.onEnd();
    this.#sampled.endSending();
  }

  #begin(): void {
    if (this.#hasBegun) return;
    this.#hasBegun = true;
    this.#sampled.beginSending();
  }
}
