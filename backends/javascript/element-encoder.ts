import { joinBytesElements } from "../../server/core/bytes-elements.ts";
import type { DataType } from "../../server/core/data-type.ts";
import { type ElementArrayType, elementArrayTypes } from "./element-array.ts";

/** The elements of a tensor in wire form, and how many they are. */
export interface EncodedElements {
  readonly bytes: Uint8Array;
  readonly count: number;
}

const utf8 = new TextEncoder();

/**
 * Turns what a model gave as a tensor's elements into wire form. An array of the type's own kind is taken as it is, not
 * copied; plain values are converted, and refused when they do not fit, because a silently changed number is worse than
 * an error.
 *
 * @param name - Of the tensor, for messages.
 * @throws TypeError that names the tensor, what was given and what is right.
 */
export function encodeElements(name: string, datatype: DataType, given: unknown): EncodedElements {
  if (datatype === "BYTES") return encodeBytes(name, given);
  const ArrayType = elementArrayTypes[datatype];
  if (given instanceof ArrayType) {
    const { buffer, byteOffset, byteLength } = given;
    return { bytes: new Uint8Array(buffer, byteOffset, byteLength), count: given.length };
  }
  if (ArrayBuffer.isView(given)) throw unsuitable(name, datatype, given.constructor.name);
  if (datatype === "FP16" || datatype === "BF16") throw unsuitable(name, datatype, describe(given));
  const values: readonly unknown[] = Array.isArray(given) ? given : [given];
  return encodeValues(name, datatype, values, ArrayType);
}

function encodeValues(
  name: string,
  datatype: Exclude<DataType, "BYTES">,
  values: readonly unknown[],
  ArrayType: ElementArrayType,
): EncodedElements {
  const array = new ArrayType(values.length);
  const convert = converterOf(datatype);
  for (const [i, value] of values.entries()) {
    const converted = convert(value);
    if (converted === null) throw unsuitable(name, datatype, describe(value), i);
    array[i] = converted;
    // Integer arrays wrap what is too large around.
    if (datatype !== "FP32" && !Object.is(array[i], converted) && array[i] !== converted) {
      throw new TypeError(
        `element ${i} of tensor '${name}' is ${String(value)}, which ${datatype} cannot hold`,
      );
    }
  }
  return { bytes: new Uint8Array(array.buffer, array.byteOffset, array.byteLength), count: values.length };
}

/** What makes a number of a value; `null` for one that is not meant for the type. */
function converterOf(datatype: DataType): (value: unknown) => number | bigint | null {
  switch (datatype) {
    case "BOOL":
      return (value) => (value === true || value === 1 ? 1 : value === false || value === 0 ? 0 : null);
    case "INT64":
    case "UINT64":
      return (value) =>
        typeof value === "bigint" ? value : Number.isSafeInteger(value) ? BigInt(value as number) : null;
    case "FP32":
    case "FP64":
      return (value) => (typeof value === "number" ? value : null);
    default:
      return (value) => (Number.isInteger(value) ? (value as number) : null);
  }
}

function encodeBytes(name: string, given: unknown): EncodedElements {
  const values: readonly unknown[] = Array.isArray(given) ? given : [given];
  const elements = values.map((value, i) => {
    if (typeof value === "string") return utf8.encode(value);
    if (value instanceof Uint8Array) return value;
    throw unsuitable(name, "BYTES", describe(value), i);
  });
  return { bytes: joinBytesElements(elements), count: elements.length };
}

function describe(value: unknown): string {
  if (Array.isArray(value)) return value.length === 0 ? "an empty array" : `an array of ${typeof value[0]}`;
  if (ArrayBuffer.isView(value)) return value.constructor.name;
  if (typeof value === "number" || typeof value === "bigint" || typeof value === "boolean") {
    return `${typeof value} ${value}`;
  }
  return value === null ? "null" : typeof value;
}

const expectations: Readonly<Partial<Record<DataType, string>>> = {
  BOOL: "a Uint8Array or booleans",
  BYTES: "strings or Uint8Arrays",
  FP16: "a Uint16Array with the elements' bits",
  BF16: "a Uint16Array with the elements' bits",
};

function unsuitable(name: string, datatype: DataType, found: string, index?: number): TypeError {
  const own = datatype === "BYTES" ? "" : elementArrayTypes[datatype].name;
  const plain = datatype.startsWith("FP") ? "numbers" : "integers";
  const expected = expectations[datatype] ?? `${/^[IU]/.test(own) ? "an" : "a"} ${own} or ${plain}`;
  const what = index === undefined ? `tensor '${name}'` : `element ${index} of tensor '${name}'`;
  return new TypeError(`${what} is ${found}, but ${datatype} needs ${expected}`);
}
