import type { Shape } from "../../server/core/shape.ts";

/**
 * The shape under which a model takes a tensor that another one gave: models that batch and models that do not meet in
 * an ensemble, and the batch dimension comes or goes between them.
 *
 * @param shape - As the tensor was given.
 * @param expected - The taker's pattern, with a leading -1 when it batches.
 * @param isBatching - Whether the taker batches.
 * @returns `shape` itself when nothing has to change, or when nothing can make it fit: the taker's validation then says
 * what is wrong.
 * @see contract §6.7, "reshaped by adding/removing the batch dim"
 */
export function adaptBatchDimension(shape: Shape, expected: Shape, isBatching: boolean): Shape {
  if (isBatching && shape.length === expected.length - 1) return [1, ...shape];
  if (!isBatching && shape.length === expected.length + 1 && shape[0] === 1) return shape.slice(1);
  return shape;
}
