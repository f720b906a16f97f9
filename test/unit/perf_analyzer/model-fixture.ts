import type {
  ModelDescription,
  TensorDescription,
} from "../../../perf_analyzer/client-backend/model-description.ts";

/** A tensor of a model that tests describe. */
export function tensor(
  name: string,
  datatype: TensorDescription["datatype"],
  dims: readonly number[],
  isOptional = false,
): TensorDescription {
  return { name, datatype, dims, isOptional };
}

/** A model with an input A, FP32[2], and an output B, FP32[2], in batches of up to 8. */
export function modelFixture(overrides: Partial<ModelDescription> = {}): ModelDescription {
  return {
    name: "m",
    inputs: [tensor("A", "FP32", [2])],
    outputs: [tensor("B", "FP32", [2])],
    maxBatchSize: 8,
    hasSequenceBatching: false,
    isDecoupled: false,
    composing: [],
    hasResponseCache: false,
    ...overrides,
  };
}
