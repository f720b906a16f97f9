import type { DataType } from "../../../server/core/data-type.ts";

/** How a TensorFlow element type is treated here. */
export interface TensorFlowType {
  /** TensorFlow's own name, for messages. */
  readonly name: string;
  /** The protocol's type for inputs and outputs; `null` when the embedded engine cannot carry it. */
  readonly datatype: DataType | null;
  /** The type that the embedded engine computes with; `null`: none. */
  readonly engineType: EngineType | null;
  /** Bytes of an element in a checkpoint; 0 where elements vary in length. */
  readonly byteSize: number;
}

/** Element types of TensorFlow.js. */
export type EngineType = "float32" | "int32" | "bool" | "string" | "complex64";

/** Numbers of the types that the code names, from `tensorflow/core/framework/types.proto`. */
export const typeNumber = {
  float: 1,
  double: 2,
  int32: 3,
  uint8: 4,
  int16: 5,
  int8: 6,
  string: 7,
  complex64: 8,
  int64: 9,
  bool: 10,
  bfloat16: 14,
  uint16: 17,
  half: 19,
  resource: 20,
  variant: 21,
} as const;

/**
 * By number in `types.proto`. FP64, FP16 and BF16 have no exact equivalent in the engine, which computes in FP32: they are
 * refused, never rounded. Integers narrower than 32 bits and INT64 are held as int32: where that could change a result
 * the operation is refused or checked (see `integer-policy.ts`).
 */
const types: ReadonlyMap<number, TensorFlowType> = new Map<number, TensorFlowType>([
  [1, { name: "DT_FLOAT", datatype: "FP32", engineType: "float32", byteSize: 4 }],
  [2, { name: "DT_DOUBLE", datatype: null, engineType: null, byteSize: 8 }],
  [3, { name: "DT_INT32", datatype: "INT32", engineType: "int32", byteSize: 4 }],
  [4, { name: "DT_UINT8", datatype: "UINT8", engineType: "int32", byteSize: 1 }],
  [5, { name: "DT_INT16", datatype: "INT16", engineType: "int32", byteSize: 2 }],
  [6, { name: "DT_INT8", datatype: "INT8", engineType: "int32", byteSize: 1 }],
  [7, { name: "DT_STRING", datatype: "BYTES", engineType: "string", byteSize: 0 }],
  [8, { name: "DT_COMPLEX64", datatype: null, engineType: "complex64", byteSize: 8 }],
  [9, { name: "DT_INT64", datatype: "INT64", engineType: "int32", byteSize: 8 }],
  [10, { name: "DT_BOOL", datatype: "BOOL", engineType: "bool", byteSize: 1 }],
  [11, { name: "DT_QINT8", datatype: null, engineType: null, byteSize: 1 }],
  [12, { name: "DT_QUINT8", datatype: null, engineType: null, byteSize: 1 }],
  [13, { name: "DT_QINT32", datatype: null, engineType: null, byteSize: 4 }],
  [14, { name: "DT_BFLOAT16", datatype: null, engineType: null, byteSize: 2 }],
  [17, { name: "DT_UINT16", datatype: "UINT16", engineType: "int32", byteSize: 2 }],
  [18, { name: "DT_COMPLEX128", datatype: null, engineType: null, byteSize: 16 }],
  [19, { name: "DT_HALF", datatype: null, engineType: null, byteSize: 2 }],
  [20, { name: "DT_RESOURCE", datatype: null, engineType: null, byteSize: 0 }],
  [21, { name: "DT_VARIANT", datatype: null, engineType: null, byteSize: 0 }],
  [22, { name: "DT_UINT32", datatype: null, engineType: null, byteSize: 4 }],
  [23, { name: "DT_UINT64", datatype: null, engineType: null, byteSize: 8 }],
]);

/** The type with this number; one that nothing can carry when the number is not known. */
export function tensorFlowType(number: number): TensorFlowType {
  return types.get(number) ?? { name: `type ${number}`, datatype: null, engineType: null, byteSize: 0 };
}
