import type { DataType } from "../../server/core/data-type.ts";
import { formatShape, type Shape } from "../../server/core/shape.ts";

/** What one place says of a tensor of an ensemble: the model that gives it, or one that takes it. */
export interface TensorUse {
  readonly modelName: string;
  /** The model's own name of the tensor. */
  readonly tensorName: string;
  readonly datatype: DataType;
  /** With the batch dimension, when the model batches. */
  readonly fullShape: Shape;
  /** Without it. */
  readonly itemShape: Shape;
}

/**
 * Whether all places agree on a tensor. Shapes agree without the batch dimension, or with it: a model that does not
 * batch may spell the batch out as its first dimension.
 *
 * @param uses - The place that gives the tensor first.
 * @returns `null`, or what does not fit.
 * @see contract §6.7
 */
export function checkTensorUse(tensor: string, uses: readonly TensorUse[]): string | null {
  const [source, ...takers] = uses;
  if (source === undefined) return null;
  for (const use of takers) {
    if (use.datatype !== source.datatype) {
      return `tensor '${tensor}': inconsistent data type: ${describe(source)} is ${source.datatype}, but ${describe(use)} is ${use.datatype}`;
    }
    if (fits(source.itemShape, use.itemShape) || fits(source.fullShape, use.fullShape)) continue;
    return `tensor '${tensor}': inconsistent shape: ${describe(source)} has ${formatShape(source.itemShape)}, but ${describe(use)} has ${formatShape(use.itemShape)}`;
  }
  return null;
}

function describe(use: TensorUse): string {
  return `'${use.tensorName}' of '${use.modelName}'`;
}

/** A variable dimension on either side is looked at when tensors flow. */
function fits(a: Shape, b: Shape): boolean {
  return a.length === b.length && a.every((dim, i) => dim === -1 || b[i] === -1 || dim === b[i]);
}
