import { InferenceRequest, type ResponseSink } from "../../server/core/inference-request.ts";
import type { InferenceResponse } from "../../server/core/inference-response.ts";
import type { Failure } from "../../server/core/status.ts";
import { Tensor } from "../../server/core/tensor.ts";
import { adaptBatchDimension } from "./batch-dimension.ts";
import type { ComposingModel } from "./composing-model.ts";
import type { EnsemblePlan, PlannedStep } from "./ensemble-plan.ts";
import type { EnsembleScope } from "./ensemble-scope.ts";
import type { GateGuest } from "./step-gate.ts";

/** Hears how a step goes. The ensemble's run implements it. */
export interface StepListener {
  /** The gate has let the step in. */
  onPassed(step: StepRun): void;
  onStepResponse(step: StepRun, response: InferenceResponse): void;
  onStepFailure(step: StepRun, failure: Failure): void;
  /** Nothing follows. */
  onStepEnd(step: StepRun): void;
}

/** One execution of a step: the request that the composing model gets, and what it answers. */
export class StepRun implements ResponseSink, GateGuest {
  readonly step: PlannedStep;
  readonly scope: EnsembleScope;
  /** `null` until the step was let in and its model was found. */
  request: InferenceRequest | null = null;
  /** It holds a place behind the step's gate. */
  isInside = false;
  responseCount = 0;
  readonly #listener: StepListener;

  constructor(step: PlannedStep, scope: EnsembleScope, listener: StepListener) {
    this.step = step;
    this.scope = scope;
    this.#listener = listener;
  }

  /** Makes the request for the model. @param parent - The ensemble's own request. */
  makeRequest(
    parent: InferenceRequest,
    model: ComposingModel,
    plan: EnsemblePlan,
    outputs: readonly string[],
  ): InferenceRequest {
    const inputs: Tensor[] = [];
    for (const { name, tensor: index } of this.step.inputs) {
      const tensor = this.scope.tensor(index, plan);
      // An absent tensor is an input that the client left out: the model's validation knows whether it may.
      if (tensor === null || tensor === undefined) continue;
      const expected = model.inputs[model.inputIndex(name)]?.shape ?? tensor.shape;
      const shape = adaptBatchDimension(tensor.shape, expected, model.maxBatchSize > 0);
      inputs.push(new Tensor(name, tensor.datatype, shape, tensor.data));
    }
    const sequence = this.scope.sequence();
    const id = sequence?.get("sequence_id") ?? parent.correlationId;
    const start = sequence?.get("sequence_start") ?? parent.isSequenceStart;
    const end = sequence?.get("sequence_end") ?? parent.isSequenceEnd;
    this.request = new InferenceRequest({
      id: parent.id,
      inputs,
      requestedOutputs: outputs,
      parameters: parent.parameters,
      priority: parent.priority,
      timeoutUs: parent.timeoutUs,
      correlationId: typeof id === "boolean" ? parent.correlationId : id,
      isSequenceStart: start === true,
      isSequenceEnd: end === true,
      sink: this,
    });
    this.request.responseWindow = parent.responseWindow;
    if (parent.trace !== null) this.request.trace = parent.trace.child(model.name, model.version);
    return this.request;
  }

  onPassed(): void {
    this.isInside = true;
    this.#listener.onPassed(this);
  }

  onResponse(response: InferenceResponse, isFinal: boolean): void {
    this.responseCount++;
    // The tensors go on to other steps.
    response.retain();
    this.#listener.onStepResponse(this, response);
    if (isFinal) this.#listener.onStepEnd(this);
  }

  onFailure(failure: Failure, isFinal: boolean): void {
    this.#listener.onStepFailure(this, failure);
    if (isFinal) this.#listener.onStepEnd(this);
  }

  onEnd(): void {
    this.#listener.onStepEnd(this);
  }
}
