import type { InferenceRequest } from "../../server/core/inference-request.ts";
import type { ComposingTensor, FindComposingModel } from "./composing-model.ts";
import type { EnsemblePlan, PlannedStep } from "./ensemble-plan.ts";
import type { EnsemblePruning } from "./ensemble-pruning.ts";
import type { StepGate } from "./step-gate.ts";

/** What all requests of one ensemble share. */
export interface EnsembleContext {
  readonly name: string;
  readonly version: string;
  readonly maxBatchSize: number;
  readonly plan: EnsemblePlan;
  /** In the order of the plan's outputs. */
  readonly outputs: readonly ComposingTensor[];
  readonly findModel: FindComposingModel;
  /** @param requestedOutputs - Empty: all. */
  pruningFor(requestedOutputs: readonly string[]): EnsemblePruning;
  /** `null`: any number may be inside the step. */
  gateOf(step: PlannedStep): StepGate | null;
  nowUs(): number;
  /** A request has been answered. Called before the sink is. */
  onExecution(request: InferenceRequest): void;
  /** No step gave an output that was asked for; the response goes without it. For the log. */
  onMissingOutput(name: string): void;
}
