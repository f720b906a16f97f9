import fc from "fast-check";
import { type DataType, dataTypes } from "../../../../server/core/data-type.ts";
import { joinBytesElements } from "../../../../server/core/bytes-elements.ts";
import type { ParameterValue } from "../../../../server/core/inference-request.ts";

/** An input as it goes into protobufjs, and the bytes that must come out. */
export interface InputCase {
  readonly name: string;
  readonly datatype: DataType;
  readonly shape: readonly number[];
  readonly contents: Record<string, unknown> | null;
  readonly data: Uint8Array;
}

/** A valid request, and what reading it must give. */
export interface RequestCase {
  readonly modelName: string;
  readonly modelVersion: string;
  readonly id: string;
  readonly parameters: ReadonlyMap<string, ParameterValue>;
  readonly inputs: readonly InputCase[];
  readonly outputs: readonly string[];
  readonly isRaw: boolean;
  readonly isPacked: boolean;
}

const int64 = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });
const uint64 = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });
const int32 = fc.integer();
const uint32 = fc.nat({ max: 0xffff_ffff });
const text = fc.string({ unit: "grapheme", maxLength: 60 });
const dimension = fc.oneof(
  fc.nat(200),
  fc.nat({ max: Number.MAX_SAFE_INTEGER }),
  fc.integer({ min: -3, max: 0 }),
);

function bytesOf(array: ArrayBufferView): Uint8Array {
  return new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
}

type Contents = Pick<InputCase, "datatype" | "contents" | "data">;

/** Elements of one list, and the typed array that gives the tensor's bytes from them. */
function typed<T extends number | bigint | boolean>(
  datatype: DataType,
  list: string,
  element: fc.Arbitrary<T>,
  toArray: (elements: T[]) => ArrayBufferView,
): fc.Arbitrary<Contents> {
  return fc.array(element, { maxLength: 12 }).map((elements) => ({
    datatype,
    contents: {
      [list]: elements.map((value) => (typeof value === "bigint" ? value.toString() : value)),
    },
    data: bytesOf(toArray(elements)),
  }));
}

const typedContents: fc.Arbitrary<Contents> = fc.oneof(
  typed("BOOL", "bool_contents", fc.boolean(), (v) => Uint8Array.from(v, Number)),
  typed("INT8", "int_contents", int32, (v) => Int8Array.from(v)),
  typed("INT16", "int_contents", int32, (v) => Int16Array.from(v)),
  typed("INT32", "int_contents", int32, (v) => Int32Array.from(v)),
  typed("INT64", "int64_contents", int64, (v) => BigInt64Array.from(v)),
  typed("UINT8", "uint_contents", uint32, (v) => Uint8Array.from(v)),
  typed("UINT16", "uint_contents", uint32, (v) => Uint16Array.from(v)),
  typed("UINT32", "uint_contents", uint32, (v) => Uint32Array.from(v)),
  typed("UINT64", "uint64_contents", uint64, (v) => BigUint64Array.from(v)),
  typed("FP32", "fp32_contents", fc.float(), (v) => Float32Array.from(v)),
  typed("FP64", "fp64_contents", fc.double(), (v) => Float64Array.from(v)),
  fc.array(fc.uint8Array({ maxLength: 20 }), { maxLength: 6 }).map((elements) => ({
    datatype: "BYTES" as const,
    contents: { bytes_contents: elements },
    data: joinBytesElements(elements),
  })),
);

const rawContents: fc.Arbitrary<Contents> = fc.record({
  datatype: fc.constantFrom(...dataTypes),
  contents: fc.constant(null),
  data: fc.uint8Array({ maxLength: 200 }),
});

function inputs(contents: fc.Arbitrary<Contents>): fc.Arbitrary<InputCase[]> {
  const input = fc
    .tuple(text, fc.array(dimension, { maxLength: 5 }), contents)
    .map(([name, shape, rest]) => ({ name, shape, ...rest }));
  return fc.uniqueArray(input, { maxLength: 4, selector: (value) => value.name });
}

const customParameter: fc.Arbitrary<ParameterValue> = fc.oneof(
  fc.boolean(),
  text,
  fc.double({ noInteger: true }),
  int64,
);

/** Requests that must be read without an error. */
export const requestCases: fc.Arbitrary<RequestCase> = fc.boolean().chain((isRaw) =>
  fc.record({
    modelName: text,
    modelVersion: text,
    id: text,
    parameters: fc
      .array(
        fc.tuple(
          text.map((key) => `c${key}`),
          customParameter,
        ),
        { maxLength: 3 },
      )
      .map((entries) => new Map(entries)),
    inputs: inputs(isRaw ? rawContents : typedContents),
    outputs: fc.uniqueArray(text, { maxLength: 20 }),
    isRaw: fc.constant(isRaw),
    isPacked: fc.boolean(),
  }),
);

/** The case as protobufjs takes it. */
export function toProtobufObject(request: RequestCase): Record<string, unknown> {
  return {
    model_name: request.modelName,
    model_version: request.modelVersion,
    id: request.id,
    parameters: Object.fromEntries(
      [...request.parameters].map(([key, value]) => [key, inferParameter(value)]),
    ),
    inputs: request.inputs.map(({ name, datatype, shape, contents }) => ({
      name,
      datatype,
      shape,
      ...(contents === null ? {} : { contents }),
    })),
    outputs: request.outputs.map((name) => ({ name })),
    raw_input_contents: request.isRaw ? request.inputs.map((input) => input.data) : [],
  };
}

function inferParameter(value: ParameterValue): object {
  switch (typeof value) {
    case "boolean":
      return { bool_param: value };
    case "string":
      return { string_param: value };
    case "bigint":
      return { int64_param: value.toString() };
    default:
      return { double_param: value };
  }
}
