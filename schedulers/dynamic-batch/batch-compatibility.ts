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
 * @param paddedAxes - By input: the one dimension that may differ because it is padded, the batch dimension being 0.
 * @see contract §6.2
 */
export function batchCompatibilityOf(
  inputs: readonly BatchableInput[],
  paddedAxes: ReadonlyMap<string, number> = new Map(),
): BatchCompatibility | null {
  const variable: ComparedInput[] = [];
  for (const [index, { name, dims, allowRaggedBatch }] of inputs.entries()) {
    const paddedAxis = paddedAxes.get(name) ?? 0;
    const varies = dims.some((dim, i) => dim === -1 && i + 1 !== paddedAxis);
    if (varies && !allowRaggedBatch) variable.push({ name, index, paddedAxis });
  }
  if (inputs.some((input) => input.isOptional)) {
    return sameInputsRule(new Map(variable.map(({ name, paddedAxis }) => [name, paddedAxis])));
  }
  if (variable.length === 0) return null;
  return (first, other) => {
    for (const { index, paddedAxis } of variable) {
      if (!haveSameItemShape(first.inputs[index], other.inputs[index], paddedAxis)) return false;
    }
    return true;
  };
}

/** An input whose shapes are compared. */
interface ComparedInput {
  readonly name: string;
  readonly index: number;
  /** The dimension that is not compared; 0, the batch dimension, when it is not padded. */
  readonly paddedAxis: number;
}

/** @param variable - Names of the inputs whose shapes are compared, each with its padded axis. */
function sameInputsRule(variable: ReadonlyMap<string, number>): BatchCompatibility {
  return (first, other) => {
    if (first.inputs.length !== other.inputs.length) return false;
    // Both are in the config's order, so equal sets are equal lists.
    for (let i = 0; i < first.inputs.length; i++) {
      const a = first.inputs[i];
      const b = other.inputs[i];
      if (a === undefined || b === undefined || a.name !== b.name) return false;
      const paddedAxis = variable.get(a.name);
      if (paddedAxis !== undefined && !haveSameItemShape(a, b, paddedAxis)) return false;
    }
    return true;
  };
}

/** Dimension 0 is the batch dimension. */
function haveSameItemShape(a: Tensor | undefined, b: Tensor | undefined, paddedAxis: number): boolean {
  if (a === undefined || b === undefined || a.shape.length !== b.shape.length) return false;
  for (let dim = 1; dim < a.shape.length; dim++) {
    if (dim !== paddedAxis && a.shape[dim] !== b.shape[dim]) return false;
  }
  return true;
}
