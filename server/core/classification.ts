import type { DataType } from "./data-type.ts";
import { joinBytesElements } from "./bytes-elements.ts";
import { elementCount } from "./shape.ts";
import { type Failure, failure } from "./status.ts";
import { Tensor } from "./tensor.ts";

/** More values per item than this are refused: sorting them would hold up everybody else. The number is Triton's. */
const maxValuesPerItem = 1_000_000;

type Values = ArrayLike<number | bigint>;
type ViewConstructor = new (buffer: ArrayBuffer) => Values;

/** The types that have an order; classification of the others is refused. */
const views: ReadonlyMap<DataType, ViewConstructor> = new Map<DataType, ViewConstructor>([
  ["UINT8", Uint8Array],
  ["UINT16", Uint16Array],
  ["UINT32", Uint32Array],
  ["UINT64", BigUint64Array],
  ["INT8", Int8Array],
  ["INT16", Int16Array],
  ["INT32", Int32Array],
  ["INT64", BigInt64Array],
  ["FP32", Float32Array],
  ["FP64", Float64Array],
]);

/** Whether an output of this type can be asked for as classes. */
export function isClassifiable(datatype: DataType): boolean {
  return views.has(datatype);
}

/** How an output is turned into classes. */
export interface ClassificationRule {
  /** Classes wanted per item; at least 1. More than there are gives all. */
  readonly count: number;
  /** Line i names class i; beyond its end, and where a line is empty, classes have no name. */
  readonly labels: readonly string[];
  /** The output's first dimension is the batch. */
  readonly isBatching: boolean;
}

const encoder = new TextEncoder();

/**
 * The highest values of each item of an output, as the classification extension gives them: a BYTES tensor of shape
 * `[batch, min(count, n)]`, or `[min(count, n)]` without a batch, whose elements read `value:index[:label]`. Ties are
 * in the order of the index.
 *
 * @param output - Of a type that {@link isClassifiable}. Not retained.
 * @returns A tensor of its own, or INVALID_ARG when an item has too many values.
 * @see contract §1.7
 */
export function classify(output: Tensor, rule: ClassificationRule): Tensor | Failure {
  const View = views.get(output.datatype);
  if (View === undefined) throw new Error(`${output.datatype} cannot be classified. This is a bug.`);
  const batchSize = rule.isBatching ? (output.shape[0] ?? 0) : 1;
  const itemSize = elementCount(rule.isBatching ? output.shape.slice(1) : output.shape);
  if (itemSize > maxValuesPerItem) {
    return failure(
      "INVALID_ARG",
      `classification output tensor too large: '${output.name}' has ${itemSize} values per item, at most ${maxValuesPerItem} are sorted`,
    );
  }
  // The bytes may start anywhere; a copy is aligned.
  const values = new View(output.data.slice().buffer);
  const format = output.datatype.startsWith("FP") ? formatFloat : String;
  const count = Math.min(rule.count, itemSize);
  const elements: Uint8Array[] = [];
  for (let item = 0; item < batchSize; item++) {
    for (const index of highest(values, item * itemSize, itemSize, count)) {
      const label = rule.labels[index] ?? "";
      const text = `${format(values[item * itemSize + index] ?? 0)}:${index}`;
      elements.push(encoder.encode(label === "" ? text : `${text}:${label}`));
    }
  }
  const shape = rule.isBatching ? [batchSize, count] : [count];
  return new Tensor(output.name, "BYTES", shape, joinBytesElements(elements));
}

/** Indices, relative to `start`, of the `count` highest of `size` values, highest first. */
function highest(values: Values, start: number, size: number, count: number): Uint32Array {
  const order = new Uint32Array(size).map((_, index) => index);
  const at = (index: number): number | bigint => values[start + index] ?? 0;
  order.sort((a, b) => compareDescending(at(a), at(b)) || a - b);
  return order.subarray(0, count);
}

/** NaN has no place in any order; it comes last. */
function compareDescending(a: number | bigint, b: number | bigint): number {
  if (a > b) return -1;
  if (a < b) return 1;
  if (a === b) return 0;
  return Number(Number.isNaN(a)) - Number(Number.isNaN(b));
}

/** As C++'s `std::to_string` writes it: with six decimals. */
function formatFloat(value: number | bigint): string {
  const float = Number(value);
  if (Number.isNaN(float)) return "nan";
  if (!Number.isFinite(float)) return float > 0 ? "inf" : "-inf";
  // From here on toFixed would write an exponent.
  if (Math.abs(float) >= 1e21) return `${BigInt(float).toString()}.000000`;
  return float.toFixed(6);
}
