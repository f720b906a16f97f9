import type { TensorDescription } from "../client-backend/model-description.ts";
import { PerfError } from "../exit-code.ts";
import type { ShapeOption } from "../options/analyzer-options.ts";
import { countElements } from "./element-codec.ts";

/** A tensor of one row, without the batch dimension. */
export interface EntryTensor {
  readonly shape: readonly number[];
  readonly data: Uint8Array;
}

/** The inputs of a request of one row. */
export interface DataEntry {
  readonly inputs: ReadonlyMap<string, EntryTensor>;
  /** What the outputs should be; `null` when nobody said. */
  readonly expected: ReadonlyMap<string, EntryTensor> | null;
  /** When to send it, in ms after the start; `null` when nobody said. Only entries of JSON files may say. */
  readonly timestampMs: number | null;
}

/** Streams of entries: a stream is a sequence for models with state, else all are one pool. At least one entry. */
export type InferData = readonly (readonly DataEntry[])[];

/** Elements of a shape. */
export function elementCount(shape: readonly number[]): number {
  return shape.reduce((product, dim) => product * dim, 1);
}

/**
 * The dimensions of an input: given with `--shape`, or the model's when none is variable.
 *
 * @throws PerfError that names the option, when a dimension is not known or contradicts the model's.
 */
export function inputDims(input: TensorDescription, shapes: readonly ShapeOption[]): readonly number[] {
  const given = shapes.find(({ name }) => name === input.name);
  if (given === undefined) {
    if (!input.dims.includes(-1)) return input.dims;
    const example = input.dims.map((dim) => (dim === -1 ? 1 : dim)).join(",");
    throw new PerfError(
      `Input "${input.name}" has variable dimensions [${input.dims.join(",")}]: give them, such as --shape ${input.name}:${example}`,
    );
  }
  checkDims(given.dims, input, `--shape ${given.name}`);
  return given.dims;
}

/** @throws PerfError when the dimensions do not fit the model's. */
export function checkDims(dims: readonly number[], tensor: TensorDescription, where: string): void {
  const fits =
    dims.length === tensor.dims.length &&
    dims.every((dim, i) => tensor.dims[i] === -1 || tensor.dims[i] === dim);
  if (!fits) {
    throw new PerfError(`${where}: [${dims.join(",")}] does not fit the model's [${tensor.dims.join(",")}]`);
  }
}

/** @throws PerfError when the bytes are not as many elements as the dimensions say. */
export function checkElementCount(
  tensor: EntryTensor,
  { datatype }: Pick<TensorDescription, "datatype">,
  where: string,
): void {
  const count = countElements(datatype, tensor.data);
  const wanted = elementCount(tensor.shape);
  if (count !== wanted) {
    const found = count === null ? `${tensor.data.byteLength} bytes, no whole elements` : `${count} elements`;
    throw new PerfError(
      `${where}: expects ${wanted} elements of ${datatype} for [${tensor.shape.join(",")}], got ${found}`,
    );
  }
}
