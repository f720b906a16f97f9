import type { DataType } from "../../server/core/data-type.ts";

/** How one element type is carried between wire bytes and ONNX Runtime's Node binding. */
export interface OrtElementType {
  readonly datatype: DataType;
  /** The binding's name of the type. */
  readonly ortType: string;
  /** Typed array the binding wants; `null` for strings. */
  readonly view: TypedArrayConstructor | null;
}

type TypedArrayConstructor = new (buffer: ArrayBuffer, byteOffset: number, length: number) => ArrayBufferView;

/**
 * By ONNX element type number (`TensorProto.DataType` in the ONNX repository's onnx.proto). What is missing here
 * (bfloat16, complex, the float8 and 4-bit types) the binding cannot carry.
 */
const byOnnxType: ReadonlyMap<number, OrtElementType> = new Map<number, OrtElementType>([
  [1, { datatype: "FP32", ortType: "float32", view: Float32Array }],
  [2, { datatype: "UINT8", ortType: "uint8", view: Uint8Array }],
  [3, { datatype: "INT8", ortType: "int8", view: Int8Array }],
  [4, { datatype: "UINT16", ortType: "uint16", view: Uint16Array }],
  [5, { datatype: "INT16", ortType: "int16", view: Int16Array }],
  [6, { datatype: "INT32", ortType: "int32", view: Int32Array }],
  [7, { datatype: "INT64", ortType: "int64", view: BigInt64Array }],
  [8, { datatype: "BYTES", ortType: "string", view: null }],
  [9, { datatype: "BOOL", ortType: "bool", view: Uint8Array }],
  // A Uint16Array on every Node: the binding does not know Float16Array, which Node 24 has.
  [10, { datatype: "FP16", ortType: "float16", view: Uint16Array }],
  [11, { datatype: "FP64", ortType: "float64", view: Float64Array }],
  [12, { datatype: "UINT32", ortType: "uint32", view: Uint32Array }],
  [13, { datatype: "UINT64", ortType: "uint64", view: BigUint64Array }],
]);

const byDatatype = new Map([...byOnnxType.values()].map((type) => [type.datatype, type]));

/** Names of the ONNX types that cannot be carried, for messages. */
const uncarriedNames: ReadonlyMap<number, string> = new Map([
  [14, "complex64"],
  [15, "complex128"],
  [16, "bfloat16"],
  [17, "float8e4m3fn"],
  [18, "float8e4m3fnuz"],
  [19, "float8e5m2"],
  [20, "float8e5m2fnuz"],
  [21, "uint4"],
  [22, "int4"],
  [23, "float4e2m1"],
]);

/** The element type with this ONNX number, or `null` when the binding cannot carry it. */
export function ortElementTypeOf(onnxType: number): OrtElementType | null {
  return byOnnxType.get(onnxType) ?? null;
}

/** The element type for a protocol data type, or `null` when the binding cannot carry it (BF16). */
export function ortElementTypeFor(datatype: DataType): OrtElementType | null {
  return byDatatype.get(datatype) ?? null;
}

/** The ONNX name of an element type, for messages. */
export function onnxTypeName(onnxType: number): string {
  return byOnnxType.get(onnxType)?.ortType ?? uncarriedNames.get(onnxType) ?? `ONNX type ${onnxType}`;
}
