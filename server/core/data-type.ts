/**
 * The tensor element types of the KServe v2 protocol, and how they are spelt in a model's configuration.
 * @see docs/protocol.md, "Data types"
 */
export type DataType =
  | "BOOL"
  | "UINT8"
  | "UINT16"
  | "UINT32"
  | "UINT64"
  | "INT8"
  | "INT16"
  | "INT32"
  | "INT64"
  | "FP16"
  | "FP32"
  | "FP64"
  | "BYTES"
  | "BF16";

/** The config's spelling of a {@link DataType}: `TYPE_` and the name, except that BYTES is TYPE_STRING. */
export type ConfigDataType = `TYPE_${Exclude<DataType, "BYTES">}` | "TYPE_STRING";

/** All data types; the position is the protobuf enum number minus one. */
export const dataTypes: readonly DataType[] = [
  "BOOL",
  "UINT8",
  "UINT16",
  "UINT32",
  "UINT64",
  "INT8",
  "INT16",
  "INT32",
  "INT64",
  "FP16",
  "FP32",
  "FP64",
  "BYTES",
  "BF16",
];

/** Bytes of one element; 0 for BYTES, whose elements vary in length. */
export const dataTypeByteSize: Readonly<Record<DataType, number>> = {
  BOOL: 1,
  UINT8: 1,
  UINT16: 2,
  UINT32: 4,
  UINT64: 8,
  INT8: 1,
  INT16: 2,
  INT32: 4,
  INT64: 8,
  FP16: 2,
  FP32: 4,
  FP64: 8,
  BYTES: 0,
  BF16: 2,
};

const byName = new Map<string, DataType>(dataTypes.map((type) => [type, type]));
const byConfigName = new Map<string, DataType>(dataTypes.map((type) => [configDataTypeName(type), type]));

/** The data type with this protocol name, or `null` when there is none. Case matters. */
export function parseDataType(name: string): DataType | null {
  return byName.get(name) ?? null;
}

/** The data type with this config name (`TYPE_FP32`, `TYPE_STRING`), or `null` when there is none. */
export function parseConfigDataType(name: string): DataType | null {
  return byConfigName.get(name) ?? null;
}

/** `FP32` → `TYPE_FP32`, `BYTES` → `TYPE_STRING`. */
export function configDataTypeName(type: DataType): ConfigDataType {
  return type === "BYTES" ? "TYPE_STRING" : `TYPE_${type}`;
}
