import type { InferenceRequest } from "../server/core/inference-request.ts";

/**
 * Adds up what the executions behind one request took: the steps of an ensemble, the runs of a request that was rescheduled.
 *
 * @see contract §6.7, "Statistics"
 */
export class RequestDurations {
  #queueUs = 0;
  #computeInputUs = 0;
  #computeInferUs = 0;
  #computeOutputUs = 0;

  /** Adds an execution, by the request that it answered. One that never executed adds nothing. */
  add(executed: InferenceRequest): void {
    if (executed.computeEndUs === 0) return;
    this.#queueUs += executed.computeStartUs - executed.queueStartUs;
    this.#computeInputUs += executed.computeInputEndUs - executed.computeStartUs;
    this.#computeInferUs += executed.computeOutputStartUs - executed.computeInputEndUs;
    this.#computeOutputUs += executed.computeEndUs - executed.computeOutputStartUs;
  }

  /** Writes the sums as if they were the request's own phases, one after the other, and its own end. */
  writeTo(request: InferenceRequest, endUs: number): void {
    request.computeStartUs = request.queueStartUs + this.#queueUs;
    request.computeInputEndUs = request.computeStartUs + this.#computeInputUs;
    request.computeOutputStartUs = request.computeInputEndUs + this.#computeInferUs;
    request.computeEndUs = request.computeOutputStartUs + this.#computeOutputUs;
    // Executions may lie side by side or apart, so the phases do not add up to the time that passed.
    request.requestEndUs = endUs;
  }
}
