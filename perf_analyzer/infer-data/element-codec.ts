import { type DataType, dataTypeByteSize } from "../../server/core/data-type.ts";
import { PerfError } from "../exit-code.ts";
import { brainBits, halfBits } from "./half-float.ts";

/** Writes one number. */
type Put = (view: DataView, offset: number, value: number | bigint) => void;

const puts: Readonly<Record<Exclude<DataType, "BYTES">, Put>> = {
  BOOL: (view, at, value) => view.setUint8(at, Number(value)),
  UINT8: (view, at, value) => view.setUint8(at, Number(value)),
  UINT16: (view, at, value) => view.setUint16(at, Number(value), true),
  UINT32: (view, at, value) => view.setUint32(at, Number(value), true),
  UINT64: (view, at, value) => view.setBigUint64(at, BigInt(value), true),
  INT8: (view, at, value) => view.setInt8(at, Number(value)),
  INT16: (view, at, value) => view.setInt16(at, Number(value), true),
  INT32: (view, at, value) => view.setInt32(at, Number(value), true),
  INT64: (view, at, value) => view.setBigInt64(at, BigInt(value), true),
  FP16: (view, at, value) => view.setUint16(at, halfBits(Number(value)), true),
  FP32: (view, at, value) => view.setFloat32(at, Number(value), true),
  FP64: (view, at, value) => view.setFloat64(at, Number(value), true),
  BF16: (view, at, value) => view.setUint16(at, brainBits(Number(value)), true),
};

/** How the integer types are cut to their bits. */
const cutToBits: ReadonlyMap<DataType, (value: bigint) => bigint> = new Map<
  DataType,
  (value: bigint) => bigint
>([
  ["UINT8", (value) => BigInt.asUintN(8, value)],
  ["UINT16", (value) => BigInt.asUintN(16, value)],
  ["UINT32", (value) => BigInt.asUintN(32, value)],
  ["UINT64", (value) => BigInt.asUintN(64, value)],
  ["INT8", (value) => BigInt.asIntN(8, value)],
  ["INT16", (value) => BigInt.asIntN(16, value)],
  ["INT32", (value) => BigInt.asIntN(32, value)],
  ["INT64", (value) => BigInt.asIntN(64, value)],
]);

/**
 * The wire bytes of JSON values: numbers, decimal texts for 64-bit integers, booleans for BOOL, texts for BYTES.
 *
 * @param values - Flat or nested arrays.
 * @param where - Begins the message when a value is wrong.
 * @throws PerfError naming the element that does not fit the type.
 */
export function encodeElements(datatype: DataType, values: readonly unknown[], where: string): Uint8Array {
  const flat = values.flat(Number.POSITIVE_INFINITY) as readonly unknown[];
  if (datatype === "BYTES") return encodeStrings(flat, where);
  const byteSize = dataTypeByteSize[datatype];
  const bytes = new Uint8Array(flat.length * byteSize);
  const view = new DataView(bytes.buffer);
  const put = puts[datatype];
  flat.forEach((value, i) => {
    const number = elementOf(datatype, value);
    if (number === null) {
      throw new PerfError(`${where}: element ${i} is ${JSON.stringify(value)}, which is no ${datatype}`);
    }
    put(view, i * byteSize, number);
  });
  return bytes;
}

function elementOf(datatype: DataType, value: unknown): number | bigint | null {
  if (datatype === "BOOL") {
    if (typeof value === "boolean") return Number(value);
    return value === 0 || value === 1 ? value : null;
  }
  const cut = cutToBits.get(datatype);
  if (cut === undefined) return typeof value === "number" ? value : null;
  const isInteger =
    typeof value === "number" ? Number.isInteger(value) : typeof value === "string" && /^-?\d+$/.test(value);
  if (!isInteger) return null;
  const exact = BigInt(value as number | string);
  return cut(exact) === exact ? exact : null;
}

function encodeStrings(values: readonly unknown[], where: string): Uint8Array {
  const parts = values.flatMap((value, i) => {
    if (typeof value !== "string") {
      throw new PerfError(`${where}: element ${i} is ${JSON.stringify(value)}, which is no text for BYTES`);
    }
    return lengthPrefixed(Buffer.from(value));
  });
  return Buffer.concat(parts);
}

/** The length of an element of BYTES, then its bytes. */
export function lengthPrefixed(element: Uint8Array): Uint8Array[] {
  const length = Buffer.alloc(4);
  length.writeUInt32LE(element.byteLength);
  return [length, element];
}

/** The elements of BYTES. @returns `null` when the lengths do not add up. */
export function splitElements(data: Uint8Array): Uint8Array[] | null {
  const bytes = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
  const elements: Uint8Array[] = [];
  let offset = 0;
  while (offset < bytes.length) {
    if (offset + 4 > bytes.length) return null;
    const length = bytes.readUInt32LE(offset);
    offset += 4;
    if (offset + length > bytes.length) return null;
    elements.push(bytes.subarray(offset, offset + length));
    offset += length;
  }
  return elements;
}

/** Elements in wire bytes, or `null` when the bytes are no whole number of them. */
export function countElements(datatype: DataType, data: Uint8Array): number | null {
  if (datatype === "BYTES") return splitElements(data)?.length ?? null;
  const count = data.byteLength / dataTypeByteSize[datatype];
  return Number.isInteger(count) ? count : null;
}
