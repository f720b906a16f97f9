import type { DataType } from "../../../server/core/data-type.ts";

/** TensorFlow's data types that have a counterpart: their number, their name in JSON, and ours. */
const rows: readonly (readonly [number: number, name: string, datatype: DataType])[] = [
  [1, "DT_FLOAT", "FP32"],
  [2, "DT_DOUBLE", "FP64"],
  [3, "DT_INT32", "INT32"],
  [4, "DT_UINT8", "UINT8"],
  [5, "DT_INT16", "INT16"],
  [6, "DT_INT8", "INT8"],
  [7, "DT_STRING", "BYTES"],
  [9, "DT_INT64", "INT64"],
  [10, "DT_BOOL", "BOOL"],
  [14, "DT_BFLOAT16", "BF16"],
  [17, "DT_UINT16", "UINT16"],
  [19, "DT_HALF", "FP16"],
  [22, "DT_UINT32", "UINT32"],
  [23, "DT_UINT64", "UINT64"],
];

/** @param type - The number, or the name. @returns `null` for a type without a counterpart. */
export function dataTypeOfTensorflow(type: unknown): DataType | null {
  return rows.find(([number, name]) => number === type || name === type)?.[2] ?? null;
}

/** TensorFlow's number of a data type. */
export function tensorflowType(datatype: DataType): number {
  const row = rows.find((each) => each[2] === datatype);
  if (row === undefined) throw new Error(`TensorFlow has no ${datatype}. This is a bug.`);
  return row[0];
}
