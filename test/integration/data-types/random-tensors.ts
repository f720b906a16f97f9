import fc from "fast-check";
import { joinBytesElements } from "../../../server/core/bytes-elements.ts";
import { type DataType, dataTypeByteSize } from "../../../server/core/data-type.ts";

/** A tensor that a generator made, with its elements in every form in which the protocol carries them. */
export interface RandomTensor {
  readonly datatype: DataType;
  /** `[rows, length]`: at least one row, whose length may be 0. */
  readonly shape: readonly number[];
  /** As binary tensor data. */
  readonly bytes: Buffer;
  /** As the list of a JSON tensor, when JSON can carry these bits: a NaN's payload it cannot. */
  readonly json: string | null;
  /** As typed contents of gRPC; `null` for a type that has none. */
  readonly contents: { readonly list: string; readonly values: readonly unknown[] } | null;
}

/** How one element is written. */
interface ElementForm {
  readonly bits: fc.Arbitrary<Buffer>;
  /** `null`: JSON cannot carry these bits. */
  readonly json: ((element: Buffer) => string | null) | null;
  readonly list: string | null;
  readonly contents: (element: Buffer) => unknown;
}

/** All bits are possible, and those at the limits often. */
function bits(byteSize: number): fc.Arbitrary<Buffer> {
  const fill = (byte: number): Buffer => Buffer.alloc(byteSize, byte);
  const topBit = (rest: number, top: number): Buffer => {
    const element = fill(rest);
    element[byteSize - 1] = top;
    return element;
  };
  const limits = [fill(0), fill(255), topBit(0, 0x80), topBit(255, 0x7f)];
  const any = fc.uint8Array({ minLength: byteSize, maxLength: byteSize }).map((array) => Buffer.from(array));
  return fc.oneof({ weight: 3, arbitrary: any }, { weight: 1, arbitrary: fc.constantFrom(...limits) });
}

function integer(byteSize: number, list: string, read: (element: Buffer) => number | bigint): ElementForm {
  const text = (element: Buffer): string => read(element).toString();
  return { bits: bits(byteSize), json: text, list, contents: text };
}

/**
 * A float's form. The typed lists of a client that keeps numbers as doubles lose a NaN's payload as JSON does, so
 * NaNs other than the usual one travel raw only.
 */
function float(byteSize: 4 | 8, list: string): ElementForm {
  const read = (element: Buffer): number =>
    byteSize === 4 ? element.readFloatLE(0) : element.readDoubleLE(0);
  const special = [0, -0, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, Number.NaN].map((value) => {
    const element = Buffer.alloc(byteSize);
    if (byteSize === 4) element.writeFloatLE(value);
    else element.writeDoubleLE(value);
    return element;
  });
  const usualNan = special[4]!;
  const json = (element: Buffer): string | null => {
    const value = read(element);
    if (Number.isNaN(value)) return element.equals(usualNan) ? "NaN" : null;
    return Object.is(value, -0) ? "-0.0" : String(value);
  };
  const arbitrary = fc.oneof(bits(byteSize), fc.constantFrom(...special));
  return { bits: arbitrary, json, list, contents: read };
}

const text: ElementForm = {
  // What an ONNX model cannot carry is refused; a test of its own shows that.
  bits: fc.string({ unit: "binary", maxLength: 12 }).map((value) => Buffer.from(value.replaceAll("\0", ""))),
  json: (element) => JSON.stringify(element.toString()),
  list: "bytes_contents",
  contents: (element) => element,
};

const forms: Readonly<Record<Exclude<DataType, "BF16">, ElementForm>> = {
  BOOL: {
    bits: fc.constantFrom(Buffer.of(0), Buffer.of(1)),
    json: (element) => String(element[0] === 1),
    list: "bool_contents",
    contents: (element) => element[0] === 1,
  },
  UINT8: integer(1, "uint_contents", (element) => element.readUInt8(0)),
  UINT16: integer(2, "uint_contents", (element) => element.readUInt16LE(0)),
  UINT32: integer(4, "uint_contents", (element) => element.readUInt32LE(0)),
  UINT64: integer(8, "uint64_contents", (element) => element.readBigUInt64LE(0)),
  INT8: integer(1, "int_contents", (element) => element.readInt8(0)),
  INT16: integer(2, "int_contents", (element) => element.readInt16LE(0)),
  INT32: integer(4, "int_contents", (element) => element.readInt32LE(0)),
  INT64: integer(8, "int64_contents", (element) => element.readBigInt64LE(0)),
  FP16: { bits: bits(2), json: null, list: null, contents: () => null },
  FP32: float(4, "fp32_contents"),
  FP64: float(8, "fp64_contents"),
  BYTES: text,
};

/** Data types that the identity models of the tests have: all but BF16, which the runtime's Node binding lacks. */
export const randomDataTypes = Object.keys(forms) as readonly (keyof typeof forms)[];

/** Tensors of `[rows, length]` of one data type. */
export function randomTensor(datatype: keyof typeof forms): fc.Arbitrary<RandomTensor> {
  const form = forms[datatype];
  return fc.tuple(fc.integer({ min: 1, max: 4 }), fc.integer({ min: 0, max: 7 })).chain(([rows, length]) => {
    const count = rows * length;
    return fc.array(form.bits, { minLength: count, maxLength: count }).map((elements): RandomTensor => {
      const list = elements.map((element) => form.json?.(element) ?? null);
      const isJson = form.json !== null && list.every((element) => element !== null);
      return {
        datatype,
        shape: [rows, length],
        bytes:
          dataTypeByteSize[datatype] > 0 ? Buffer.concat(elements) : Buffer.from(joinBytesElements(elements)),
        json: isJson ? `[${list.join()}]` : null,
        contents:
          form.list === null || !isJson ? null : { list: form.list, values: elements.map(form.contents) },
      };
    });
  });
}

/** Bytes of the list that a JSON tensor of a response has. */
export function bytesOfList(datatype: DataType, list: string): Buffer {
  if (datatype === "BYTES") {
    return Buffer.from(
      joinBytesElements((JSON.parse(list) as string[]).map((element) => Buffer.from(element))),
    );
  }
  const tokens = list === "[]" ? [] : list.slice(1, -1).split(",");
  const size = dataTypeByteSize[datatype];
  const bytes = Buffer.alloc(size * tokens.length);
  for (const [index, token] of tokens.entries()) {
    const offset = index * size;
    if (datatype === "BOOL") bytes.writeUInt8(token === "true" ? 1 : 0, offset);
    else if (datatype === "FP32") bytes.writeFloatLE(Number(token), offset);
    else if (datatype === "FP64") bytes.writeDoubleLE(Number(token), offset);
    else bytes.set(bytesOfInteger(BigInt(token), size), offset);
  }
  return bytes;
}

function bytesOfInteger(value: bigint, size: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt.asUintN(64, value));
  return bytes.subarray(0, size);
}
