import { joinBytesElements } from "../../../server/core/bytes-elements.ts";
import type { DataType } from "../../../server/core/data-type.ts";

/** Values of one data type in every form in which the protocol carries them. */
export interface DataTypeCase {
  readonly datatype: DataType;
  readonly count: number;
  /** As binary tensor data. */
  readonly bytes: Buffer;
  /** As the list of a JSON tensor; `null` for a type that JSON does not carry. */
  readonly json: string | null;
  /** As typed contents of gRPC: the list and its values; `null` for a type that has no list. */
  readonly contents: { readonly list: string; readonly values: readonly unknown[] } | null;
  /** Bytes of the list that a JSON tensor of the response has. */
  fromJson(list: string): Buffer;
}

function bytesOf(array: ArrayBufferView): Buffer {
  return Buffer.from(array.buffer, array.byteOffset, array.byteLength);
}

/** Elements of a list without nested lists and strings. */
function tokens(list: string): string[] {
  return list.slice(1, -1).split(",");
}

interface IntegerArray {
  from(values: readonly number[]): ArrayBufferView;
}

function integers(
  datatype: DataType,
  list: string,
  array: IntegerArray,
  values: readonly number[],
): DataTypeCase {
  return {
    datatype,
    count: values.length,
    bytes: bytesOf(array.from(values)),
    json: `[${values.join(", ")}]`,
    contents: { list, values },
    fromJson: (text) => bytesOf(array.from(tokens(text).map(Number))),
  };
}

/** Values that a double cannot hold are among them: they must not pass through one. */
function longIntegers(
  datatype: DataType,
  list: string,
  array: { from(values: readonly bigint[]): ArrayBufferView },
  values: readonly bigint[],
): DataTypeCase {
  return {
    datatype,
    count: values.length,
    bytes: bytesOf(array.from(values)),
    json: `[${values.join(", ")}]`,
    contents: { list, values: values.map(String) },
    fromJson: (text) => bytesOf(array.from(tokens(text).map(BigInt))),
  };
}

function floats(
  datatype: DataType,
  list: string,
  array: IntegerArray,
  values: readonly number[],
): DataTypeCase {
  return {
    datatype,
    count: values.length,
    bytes: bytesOf(array.from(values)),
    json: `[${values.map((value) => (Object.is(value, -0) ? "-0.0" : String(value))).join(", ")}]`,
    contents: { list, values },
    fromJson: (text) => bytesOf(array.from(tokens(text).map(Number))),
  };
}

const texts: readonly string[] = [
  "",
  "plain",
  "grüße",
  "日本語",
  "🦀",
  'quote " and \\ and \n',
  "x".repeat(300),
];
const truths: readonly boolean[] = [true, false, false, true];
// Zero, minus zero, one, the smallest subnormal, the largest, both infinities, not a number.
const halves = Uint16Array.of(0x0000, 0x8000, 0x3c00, 0x0001, 0x7bff, 0x7c00, 0xfc00, 0x7e00);

/** Every type that the ONNX backend carries, with the values at its limits. */
export const dataTypeCases: readonly DataTypeCase[] = [
  {
    datatype: "BOOL",
    count: truths.length,
    bytes: Buffer.from(truths.map(Number)),
    json: JSON.stringify(truths),
    contents: { list: "bool_contents", values: truths },
    fromJson: (text) => Buffer.from(tokens(text).map((token) => (token === "true" ? 1 : 0))),
  },
  integers("UINT8", "uint_contents", Uint8Array, [0, 1, 127, 128, 255]),
  integers("UINT16", "uint_contents", Uint16Array, [0, 1, 255, 256, 65_535]),
  integers("UINT32", "uint_contents", Uint32Array, [0, 1, 65_536, 2 ** 31, 2 ** 32 - 1]),
  longIntegers("UINT64", "uint64_contents", BigUint64Array, [
    0n,
    1n,
    2n ** 53n + 1n,
    2n ** 63n,
    2n ** 64n - 1n,
  ]),
  integers("INT8", "int_contents", Int8Array, [-128, -1, 0, 1, 127]),
  integers("INT16", "int_contents", Int16Array, [-32_768, -1, 0, 1, 32_767]),
  integers("INT32", "int_contents", Int32Array, [-(2 ** 31), -1, 0, 1, 2 ** 31 - 1]),
  longIntegers("INT64", "int64_contents", BigInt64Array, [
    -(2n ** 63n),
    -(2n ** 53n) - 1n,
    0n,
    2n ** 63n - 1n,
  ]),
  {
    datatype: "FP16",
    count: halves.length,
    bytes: bytesOf(halves),
    json: null,
    contents: null,
    fromJson: () => Buffer.alloc(0),
  },
  floats("FP32", "fp32_contents", Float32Array, [
    0,
    -0,
    Math.fround(0.1),
    Math.fround(-1e-45),
    Math.fround(3.4e38),
    Number.POSITIVE_INFINITY,
    Number.NEGATIVE_INFINITY,
    Number.NaN,
  ]),
  floats("FP64", "fp64_contents", Float64Array, [
    0,
    -0,
    0.1,
    Number.MIN_VALUE,
    -Number.MAX_VALUE,
    Number.POSITIVE_INFINITY,
    Number.NEGATIVE_INFINITY,
    Number.NaN,
  ]),
  {
    datatype: "BYTES",
    count: texts.length,
    bytes: Buffer.from(joinBytesElements(texts.map((text) => Buffer.from(text)))),
    json: JSON.stringify(texts),
    contents: { list: "bytes_contents", values: texts.map((text) => Buffer.from(text)) },
    fromJson: (list) =>
      Buffer.from(joinBytesElements((JSON.parse(list) as string[]).map((text) => Buffer.from(text)))),
  },
];
