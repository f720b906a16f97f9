import type { BatchSpec, TensorSpec } from "../../backends/backend.ts";
import type { DataType } from "../../server/core/data-type.ts";

/** A tensor of a {@link BatchSpec}. Without `wireDims` the config does not reshape it. */
export function tensorSpec(
  name: string,
  datatype: DataType,
  dims: readonly number[],
  more: { readonly wireDims?: readonly number[]; readonly isOptional?: boolean } = {},
): TensorSpec {
  return { name, datatype, dims, wireDims: more.wireDims ?? dims, isOptional: more.isOptional ?? false };
}

/** INPUT0 and OUTPUT0 of one type and dimensions. */
export function identitySpec(datatype: DataType, dims: readonly number[], maxBatchSize = 8): BatchSpec {
  return {
    maxBatchSize,
    inputs: [tensorSpec("INPUT0", datatype, dims)],
    outputs: [tensorSpec("OUTPUT0", datatype, dims)],
  };
}
