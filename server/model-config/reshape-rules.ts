import { elementCount, formatShape, type Shape } from "../core/shape.ts";
import type { ModelTensorConfig } from "./model-config.ts";

/**
 * Checks that a tensor's `reshape` holds the same elements as its `dims`.
 *
 * Without variable dimensions the products must be equal. With them, both must have the same number, and what
 * stands before, between and after them must have equal products:
 *
 * ```
 *   dims     [2, 3, -1, 4]        segments  6 | 4
 *   reshape  [6, -1, 2, 2]                  6 | 4     allowed
 *   reshape  [2, -1, 3, 4]                  2 | 12    refused: the server could not tell which size varies
 * ```
 *
 * @returns What is wrong, or `null`.
 */
export function reshapeProblem(tensor: ModelTensorConfig, maxBatchSize: number): string | null {
  const { dims, reshape } = tensor;
  if (reshape === null) return null;
  if (reshape.length === 0) {
    if (elementCount(dims) !== 1)
      return `an empty reshape needs 'dims' of one element, got ${formatShape(dims)}`;
    if (maxBatchSize === 0) return "cannot have empty reshape for a model that does not batch";
    return null;
  }
  const wanted = segmentSizes(dims);
  const given = segmentSizes(reshape);
  if (wanted.length !== given.length) {
    return `dims ${formatShape(dims)} and reshape ${formatShape(reshape)} must have the same number of variable dimensions`;
  }
  if (wanted.some((size, i) => size !== given[i])) {
    return `dims ${formatShape(dims)} and reshape ${formatShape(reshape)} must have the same number of elements${wanted.length > 1 ? " before, between and after their variable dimensions" : ""}`;
  }
  return null;
}

/** The products of the dimensions before, between and after the variable ones. */
function segmentSizes(shape: Shape): number[] {
  const sizes: number[] = [];
  let size = 1;
  for (const dim of shape) {
    if (dim === -1) {
      sizes.push(size);
      size = 1;
    } else {
      size *= dim;
    }
  }
  return [...sizes, size];
}
