import type { DataType } from "../../server/core/data-type.ts";
import type { TensorArrays } from "./javascript-model.ts";

/** Everything that elements lie in. */
export type ElementArray = TensorArrays[keyof TensorArrays];

/** The kind of array that holds the elements of a type. */
export interface ElementArrayType {
  readonly name: string;
  readonly BYTES_PER_ELEMENT: number;
  new (length: number): ElementArray;
  new (buffer: ArrayBuffer, byteOffset: number, length: number): ElementArray;
}

/** By data type; BYTES have none. */
export const elementArrayTypes: Readonly<Record<Exclude<DataType, "BYTES">, ElementArrayType>> = {
  BOOL: Uint8Array,
  UINT8: Uint8Array,
  UINT16: Uint16Array,
  UINT32: Uint32Array,
  UINT64: BigUint64Array,
  INT8: Int8Array,
  INT16: Int16Array,
  INT32: Int32Array,
  INT64: BigInt64Array,
  FP16: Uint16Array,
  BF16: Uint16Array,
  FP32: Float32Array,
  FP64: Float64Array,
};
