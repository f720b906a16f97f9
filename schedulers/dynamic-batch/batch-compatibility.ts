import type { InferenceRequest } from "../../server/core/inference-request.ts";

/** Whether two requests may share a batch. `null` where a model has no rule: then all may. */
export type BatchCompatibility = (first: InferenceRequest, other: InferenceRequest) => boolean;

/** What this module needs to know of a model's input. */
export interface BatchableInput {
  /** Per item, without the batch dimension; -1 is variable. */
  readonly dims: readonly number[];
}

/**
 * The rule for a model: inputs that have a variable dimension must have the same shape in all requests of a batch,
 * apart from the batch dimension. Inputs whose dimensions are all fixed need no check, because validation has
 * already compared them with the config.
 *
 * @param inputs - In the order of `InferenceRequest.inputs`.
 */
export function batchCompatibilityOf(inputs: readonly BatchableInput[]): BatchCompatibility | null {
  const variable = inputs.flatMap((input, index) => (input.dims.includes(-1) ? [index] : []));
  if (variable.length === 0) return null;
  return (first, other) => {
    for (const index of variable) {
      const a = first.inputs[index]?.shape ?? [];
      const b = other.inputs[index]?.shape ?? [];
      if (a.length !== b.length) return false;
      // Dimension 0 is the batch dimension.
      for (let dim = 1; dim < a.length; dim++) if (a[dim] !== b[dim]) return false;
    }
    return true;
  };
}
