import { bytesElementHeader } from "../core/bytes-elements.ts";
import { dataTypeByteSize } from "../core/data-type.ts";
import { formatShape } from "../core/shape.ts";
import type { Tensor } from "../core/tensor.ts";
import type { Tolerance } from "./golden-request.ts";

/**
 * Compares what a model answers with what it should answer. Floating-point numbers are compared with a tolerance, NaN
 * equals NaN; everything else must be the same.
 *
 * @returns The first difference in words: output, position, expected and found value; `null` when there is none.
 */
export function findDifference(
  expected: readonly Tensor[],
  found: readonly Tensor[],
  tolerance: Tolerance,
): string | null {
  for (const wanted of expected) {
    const got = found.find(({ name }) => name === wanted.name);
    const difference =
      got === undefined
        ? `the answer has no such output, but ${found.map(({ name }) => `'${name}'`).join(", ")}`
        : (compareForm(wanted, got) ?? compareElements(wanted, got, tolerance));
    if (difference !== null) return `output '${wanted.name}': ${difference}`;
  }
  return null;
}

function compareForm(wanted: Tensor, got: Tensor): string | null {
  const form = ({ datatype, shape }: Tensor): string => `${datatype} of shape ${formatShape(shape)}`;
  return form(wanted) === form(got) ? null : `expected ${form(wanted)}, got ${form(got)}`;
}

function compareElements(wanted: Tensor, got: Tensor, tolerance: Tolerance): string | null {
  const expected = elementsOf(wanted);
  const found = elementsOf(got);
  const index = expected.findIndex((value, i) => !areClose(value, found[i], tolerance));
  if (index < 0) return null;
  const allowed = typeof expected[index] === "number" ? toleranceText(expected[index], tolerance) : "";
  return `at ${positionOf(index, wanted.shape)} expected ${show(expected[index])}${allowed}, got ${show(found[index])}`;
}

type Element = number | bigint | boolean | string;

function areClose(expected: Element, found: Element | undefined, tolerance: Tolerance): boolean {
  if (Object.is(expected, found) || expected === found) return true;
  if (typeof expected !== "number" || typeof found !== "number") return false;
  return Math.abs(expected - found) <= allowance(expected, tolerance);
}

function allowance(expected: number, { absolute, relative }: Tolerance): number {
  return Number.isFinite(expected) ? absolute + relative * Math.abs(expected) : 0;
}

function toleranceText(expected: number, tolerance: Tolerance): string {
  return ` ± ${allowance(expected, tolerance).toPrecision(2)}`;
}

function show(value: Element | undefined): string {
  return typeof value === "string" ? JSON.stringify(value) : String(value);
}

/** `[row, column]` of an element. */
function positionOf(index: number, shape: readonly number[]): string {
  const position: number[] = [];
  let rest = index;
  for (const dim of shape.toReversed()) {
    position.unshift(rest % dim);
    rest = Math.floor(rest / dim);
  }
  return `[${position.join(", ")}]`;
}

/** Only floating-point types become numbers, which are compared with a tolerance: integers become bigints. */
function elementsOf({ datatype, data }: Tensor): Element[] {
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  if (datatype === "BYTES") return textsOf(data, view);
  const size = dataTypeByteSize[datatype];
  return Array.from({ length: data.byteLength / size }, (_, i): Element => {
    const at = i * size;
    switch (datatype) {
      case "BOOL":
        return view.getUint8(at) !== 0;
      case "UINT8":
        return BigInt(view.getUint8(at));
      case "UINT16":
        return BigInt(view.getUint16(at, true));
      case "UINT32":
        return BigInt(view.getUint32(at, true));
      case "UINT64":
        return view.getBigUint64(at, true);
      case "INT8":
        return BigInt(view.getInt8(at));
      case "INT16":
        return BigInt(view.getInt16(at, true));
      case "INT32":
        return BigInt(view.getInt32(at, true));
      case "INT64":
        return view.getBigInt64(at, true);
      case "FP32":
        return view.getFloat32(at, true);
      case "FP64":
        return view.getFloat64(at, true);
      case "FP16":
      case "BF16":
        throw new Error(`JSON has no ${datatype}, so no golden request expects it. This is a bug.`);
    }
  });
}

function textsOf(data: Uint8Array, view: DataView): string[] {
  const texts: string[] = [];
  for (let at = 0; at < data.byteLength; ) {
    const end = at + bytesElementHeader + view.getUint32(at, true);
    texts.push(new TextDecoder().decode(data.subarray(at + bytesElementHeader, end)));
    at = end;
  }
  return texts;
}
