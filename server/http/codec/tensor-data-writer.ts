import { isUtf8 } from "node:buffer";

import { bytesElementHeader, bytesElementLength, checkBytesElements } from "../../core/bytes-elements.ts";
import { dataTypeByteSize } from "../../core/data-type.ts";
import { elementCount } from "../../core/shape.ts";
import { StatusError } from "../../core/status.ts";
import type { Tensor } from "../../core/tensor.ts";
import { maxDoubleBytes, writeDouble } from "./double-text.ts";
import { writeInteger } from "./integer-text.ts";
import type { JsonWriter } from "./json-writer.ts";

/** Numbers are written in runs of this many, between which the writer may grow. */
const runLength = 1024;
/** A 64-bit integer in decimal, its sign and a comma. */
const maxIntegerBytes = 21;

/**
 * Writes a tensor's data as a flat JSON array: numbers, `true` and `false`, or strings.
 *
 * @param output - `data` may start at any address. Not retained.
 * @throws StatusError of INVALID_ARG when the data has no JSON form: FP16, BF16, and BYTES that are not UTF-8. The
 * client then has to ask for binary data. INTERNAL when a BYTES tensor is malformed, which is the backend's fault.
 */
export function writeTensorData(writer: JsonWriter, output: Tensor): void {
  writer.ascii("[");
  switch (output.datatype) {
    case "FP16":
    case "BF16":
      throw new StatusError(
        "INVALID_ARG",
        `sending ${output.datatype} data via JSON is not supported: ask for output '${output.name}' as binary data`,
      );
    case "BYTES":
      writeStrings(writer, output);
      break;
    case "BOOL":
      writeBooleans(writer, output.data);
      break;
    default:
      writeNumbers(writer, output);
  }
  writer.ascii("]");
}

function writeBooleans(writer: JsonWriter, data: Uint8Array): void {
  for (let i = 0; i < data.byteLength; i++) {
    if (i > 0) writer.ascii(",");
    writer.ascii(data[i] === 0 ? "false" : "true");
  }
}

function writeNumbers(writer: JsonWriter, { data, datatype }: Tensor): void {
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  const size = dataTypeByteSize[datatype];
  const isFloat = datatype === "FP32" || datatype === "FP64";
  const maxBytes = isFloat ? maxDoubleBytes + 1 : maxIntegerBytes;
  for (let run = 0; run < data.byteLength; run += runLength * size) {
    const runEnd = Math.min(data.byteLength, run + runLength * size);
    const bytes = writer.reserve(maxBytes * runLength);
    let at = writer.length;
    for (let offset = run; offset < runEnd; offset += size) {
      if (offset > 0) bytes[at++] = 0x2c;
      at = isFloat
        ? writeDouble(bytes, at, size === 4 ? view.getFloat32(offset, true) : view.getFloat64(offset, true))
        : writeElement(bytes, at, view, offset, datatype);
    }
    writer.length = at;
  }
}

/** Writes the integer at `offset` and returns the position behind its text. */
function writeElement(
  bytes: Buffer,
  at: number,
  view: DataView,
  offset: number,
  datatype: Tensor["datatype"],
): number {
  switch (datatype) {
    case "INT8":
      return writeInteger(bytes, at, view.getInt8(offset));
    case "UINT8":
      return writeInteger(bytes, at, view.getUint8(offset));
    case "INT16":
      return writeInteger(bytes, at, view.getInt16(offset, true));
    case "UINT16":
      return writeInteger(bytes, at, view.getUint16(offset, true));
    case "INT32":
      return writeInteger(bytes, at, view.getInt32(offset, true));
    case "UINT32":
      return writeInteger(bytes, at, view.getUint32(offset, true));
    default:
      return writeInteger64(bytes, at, view, offset, datatype === "UINT64");
  }
}

/** The same for 64 bits: as a double while that is exact, which spares a BigInt for nearly all values. */
function writeInteger64(
  bytes: Buffer,
  at: number,
  view: DataView,
  offset: number,
  isUnsigned: boolean,
): number {
  const upper = isUnsigned ? view.getUint32(offset + 4, true) : view.getInt32(offset + 4, true);
  const value = upper * 2 ** 32 + view.getUint32(offset, true);
  if (Number.isSafeInteger(value)) return writeInteger(bytes, at, value);
  const exact = isUnsigned ? view.getBigUint64(offset, true) : view.getBigInt64(offset, true);
  return at + bytes.write(String(exact), at, "latin1");
}

function writeStrings(writer: JsonWriter, output: Tensor): void {
  const malformed = checkBytesElements(output.data, elementCount(output.shape), output.name);
  if (malformed !== null) {
    throw new StatusError("INTERNAL", `malformed data of output '${output.name}': ${malformed.message}`);
  }
  const { data } = output;
  let index = 0;
  // Neither a view nor a call into the engine for an element of plain ASCII: there may be thousands.
  for (let offset = 0; offset < data.byteLength; index++) {
    const start = offset + bytesElementHeader;
    offset = start + bytesElementLength(data, offset);
    if (index > 0) writer.ascii(",");
    if (writer.utf8String(data, start, offset) || isUtf8(data.subarray(start, offset))) continue;
    throw new StatusError(
      "INVALID_ARG",
      `element ${index} of output '${output.name}' is not valid UTF-8 and has no JSON form: ask for it as binary data`,
    );
  }
}
