import type { InferenceRequest } from "../../server/core/inference-request.ts";

/** Adds up what the steps of one ensemble request took. @see contract §6.7, "Statistics" */
export class StepDurations {
  #queueUs = 0;
  #computeInputUs = 0;
  #computeInferUs = 0;
  #computeOutputUs = 0;

  /** Adds a step's request that has ended. One that never executed adds nothing. */
  add(step: InferenceRequest): void {
    if (step.computeEndUs === 0) return;
    this.#queueUs += step.computeStartUs - step.queueStartUs;
    this.#computeInputUs += step.computeInputEndUs - step.computeStartUs;
    this.#computeInferUs += step.computeOutputStartUs - step.computeInputEndUs;
    this.#computeOutputUs += step.computeEndUs - step.computeOutputStartUs;
  }

  /** Writes the sums as if they were the ensemble's own phases, one after the other, and its own end. */
  writeTo(request: InferenceRequest, endUs: number): void {
    request.computeStartUs = request.queueStartUs + this.#queueUs;
    request.computeInputEndUs = request.computeStartUs + this.#computeInputUs;
    request.computeOutputStartUs = request.computeInputEndUs + this.#computeInferUs;
    request.computeEndUs = request.computeOutputStartUs + this.#computeOutputUs;
    // Steps run side by side, so the phases do not add up to the time that passed.
    request.requestEndUs = endUs;
  }
}
