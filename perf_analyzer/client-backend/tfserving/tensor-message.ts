import { type DataType, dataTypeByteSize } from "../../../server/core/data-type.ts";
import { encodeElements, lengthPrefixed, splitElements } from "../../infer-data/element-codec.ts";
import { elementCount } from "../../infer-data/infer-data.ts";
import type { RequestInput } from "../../infer-data/request-input.ts";
import type { OutputTensor } from "../exchange.ts";
import { arrayOf, numberOf, objectOf } from "../json-access.ts";
import { decodePredictMessage } from "./predict-messages.ts";
import { dataTypeOfTensorflow, tensorflowType } from "./tensorflow-type.ts";

/** An input as the fields of a tensor message. */
export function tensorFields({ datatype, shape, data }: RequestInput): Record<string, unknown> {
  return {
    dtype: tensorflowType(datatype),
    tensor_shape: { dim: shape.map((size) => ({ size })) },
    ...(datatype === "BYTES" ? { string_val: splitElements(data) ?? [] } : { tensor_content: data }),
  };
}

/** The outputs of a PredictResponse. @throws Error when they cannot be read. */
export function decodePredictOutputs(message: Uint8Array): readonly OutputTensor[] {
  const outputs = objectOf(decodePredictMessage("PredictResponse", message)["outputs"]);
  return Object.entries(outputs).map(([name, tensor]) => outputOfTensor(name, tensor));
}

/** Where a tensor has its values when they are not packed. */
const valueField: Readonly<Record<Exclude<DataType, "FP16" | "BF16">, string>> = {
  FP32: "float_val",
  FP64: "double_val",
  INT8: "int_val",
  INT16: "int_val",
  INT32: "int_val",
  UINT8: "int_val",
  UINT16: "int_val",
  INT64: "int64_val",
  UINT32: "uint32_val",
  UINT64: "uint64_val",
  BOOL: "bool_val",
  BYTES: "string_val",
};

/**
 * An output of the fields of a tensor message.
 *
 * @throws Error when its type has no counterpart, or it has too many values.
 */
export function outputOfTensor(name: string, message: unknown): OutputTensor {
  const fields = objectOf(message);
  const datatype = dataTypeOfTensorflow(fields["dtype"]);
  if (datatype === null)
    throw new Error(`output "${name}" has TensorFlow's data type ${String(fields["dtype"])}`);
  const shape = arrayOf(objectOf(fields["tensor_shape"])["dim"]).map((dim) =>
    numberOf(objectOf(dim)["size"]),
  );
  const content = fields["tensor_content"];
  if (content instanceof Uint8Array && content.byteLength > 0)
    return { name, datatype, shape, data: content };
  return { name, datatype, shape, data: valuesOf(name, datatype, fields, elementCount(shape)) };
}

function valuesOf(
  name: string,
  datatype: DataType,
  fields: ReturnType<typeof objectOf>,
  count: number,
): Uint8Array {
  const isHalf = datatype === "FP16" || datatype === "BF16";
  const values = [...arrayOf(fields[isHalf ? "half_val" : valueField[datatype]])];
  if (values.length > count)
    throw new Error(`output "${name}" has ${values.length} values for ${count} elements`);
  // What is left out at the end is like the last one.
  const last = values.at(-1) ?? (datatype === "BYTES" ? new Uint8Array(0) : datatype === "BOOL" ? false : 0);
  while (values.length < count) values.push(last);
  if (datatype === "BYTES") {
    return Buffer.concat(
      values.flatMap((value) => lengthPrefixed(value instanceof Uint8Array ? value : Buffer.alloc(0))),
    );
  }
  if (!isHalf) return encodeElements(datatype, values, name);
  const bytes = Buffer.alloc(values.length * dataTypeByteSize[datatype]);
  // The bits stand there as integers.
  values.forEach((value, i) => bytes.writeUInt16LE(numberOf(value) & 0xffff, i * 2));
  return bytes;
}
