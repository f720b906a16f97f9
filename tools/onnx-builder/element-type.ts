import type { DataType } from "../../server/core/data-type.ts";

/**
 * The number ONNX has for each data type of the protocol.
 *
 * @see onnx/onnx.proto in github.com/onnx/onnx, enum `TensorProto.DataType`
 */
export const onnxElementTypes: Readonly<Record<DataType, number>> = {
  FP32: 1,
  UINT8: 2,
  INT8: 3,
  UINT16: 4,
  INT16: 5,
  INT32: 6,
  INT64: 7,
  BYTES: 8,
  BOOL: 9,
  FP16: 10,
  FP64: 11,
  UINT32: 12,
  UINT64: 13,
  BF16: 16,
};
