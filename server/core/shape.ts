/** Row-major tensor dimensions, outermost first. In a config, -1 stands for any size. */
export type Shape = readonly number[];

/**
 * Number of elements of a tensor of this shape: the product of its dimensions, 1 for rank 0.
 *
 * @returns The product, or -1 when a dimension is variable (-1). Above 2^53 the result is not exact, but still
 * above 2^53, which is how callers notice an absurd shape.
 */
export function elementCount(shape: Shape): number {
  let count = 1;
  for (const dim of shape) {
    if (dim < 0) return -1;
    count *= dim;
  }
  return count;
}

/** Whether both shapes have the same rank and the same dimensions. */
export function shapesEqual(a: Shape, b: Shape): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

/** `[-1,16]`: as Triton writes shapes in its messages. */
export function formatShape(shape: Shape): string {
  return `[${shape.join(",")}]`;
}

/**
 * Carries the sizes found for the variable dimensions of one shape over to another with as many of them, in order:
 * how a config's `reshape` relates the wire's shape to the model's.
 *
 * @param actual - A shape that fits `from`.
 * @param from - Pattern with -1 for variable dimensions.
 * @param to - Pattern with as many -1 as `from`.
 */
export function carryVariableDims(actual: Shape, from: Shape, to: Shape): number[] {
  const found: number[] = [];
  for (let i = 0; i < from.length; i++) if (from[i] === -1) found.push(actual[i] ?? 0);
  let next = 0;
  return to.map((dim) => (dim === -1 ? (found[next++] ?? 0) : dim));
}
