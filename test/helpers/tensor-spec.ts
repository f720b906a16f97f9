import type { BatchSpec, TensorJoin, TensorSpec } from "../../backends/backend.ts";
import type { DataType } from "../../server/core/data-type.ts";

/** A tensor of a {@link BatchSpec}. Without `wireDims` the config does not reshape it. */
export function tensorSpec(
  name: string,
  datatype: DataType,
  dims: readonly number[],
  more: {
    readonly wireDims?: readonly number[];
    readonly isOptional?: boolean;
    readonly join?: TensorJoin;
  } = {},
): TensorSpec {
  const { wireDims = dims, isOptional = false, join = { kind: "rows" } } = more;
  return { name, datatype, dims, wireDims, isOptional, join };
}

/** INPUT0 and OUTPUT0 of one type and dimensions. */
export function identitySpec(datatype: DataType, dims: readonly number[], maxBatchSize = 8): BatchSpec {
  return {
    maxBatchSize,
    inputs: [tensorSpec("INPUT0", datatype, dims)],
    outputs: [tensorSpec("OUTPUT0", datatype, dims)],
    states: [],
  };
}
