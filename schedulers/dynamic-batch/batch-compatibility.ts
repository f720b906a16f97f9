import type { InferenceRequest } from "../../server/core/inference-request.ts";
import type { Tensor } from "../../server/core/tensor.ts";

/** Whether two requests may share a batch. `null` where a model has no rule: then all may. */
export type BatchCompatibility = (first: InferenceRequest, other: InferenceRequest) => boolean;

/** What this module needs to know of a model's input. */
export interface BatchableInput {
  readonly name: string;
  /** Per item, without the batch dimension; -1 is variable. */
  readonly dims: readonly number[];
  /** Requests may leave it out. */
  readonly isOptional: boolean;
  /** Its shape may differ within a batch. */
  readonly allowRaggedBatch: boolean;
}

/**
 * The rule for a model: inputs that have a variable dimension must have the same shape in all requests of a batch,
 * apart from the batch dimension, unless they may be ragged. Inputs whose dimensions are all fixed need no check, because
 * validation has already compared them with the config. Where inputs may be left out, all requests of a batch must carry
 * the same ones.
 *
 * @param inputs - In the order of `InferenceRequest.inputs`.
 * @see contract §6.2
 */
export function batchCompatibilityOf(inputs: readonly BatchableInput[]): BatchCompatibility | null {
  const isVariable = inputs.map((input) => input.dims.includes(-1) && !input.allowRaggedBatch);
  if (inputs.some((input) => input.isOptional)) {
    return sameInputsRule(new Set(inputs.flatMap(({ name }, i) => (isVariable[i] === true ? [name] : []))));
  }
  const variable = isVariable.flatMap((varies, index) => (varies ? [index] : []));
  if (variable.length === 0) return null;
  return (first, other) => {
    for (const index of variable) {
      if (!haveSameItemShape(first.inputs[index], other.inputs[index])) return false;
    }
    return true;
  };
}

/** @param variable - Names of the inputs whose shapes are compared. */
function sameInputsRule(variable: ReadonlySet<string>): BatchCompatibility {
  return (first, other) => {
    if (first.inputs.length !== other.inputs.length) return false;
    // Both are in the config's order, so equal sets are equal lists.
    for (let i = 0; i < first.inputs.length; i++) {
      const a = first.inputs[i];
      const b = other.inputs[i];
      if (a === undefined || b === undefined || a.name !== b.name) return false;
      if (variable.has(a.name) && !haveSameItemShape(a, b)) return false;
    }
    return true;
  };
}

/** Dimension 0 is the batch dimension. */
function haveSameItemShape(a: Tensor | undefined, b: Tensor | undefined): boolean {
  if (a === undefined || b === undefined || a.shape.length !== b.shape.length) return false;
  for (let dim = 1; dim < a.shape.length; dim++) if (a.shape[dim] !== b.shape[dim]) return false;
  return true;
}
