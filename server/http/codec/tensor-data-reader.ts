import { type DataType, dataTypeByteSize } from "../../core/data-type.ts";
import { elementCount, type Shape } from "../../core/shape.ts";
import { StatusError } from "../../core/status.ts";
import { BytesElementWriter } from "./bytes-element-writer.ts";
import { FlatArrayCursor } from "./flat-array-cursor.ts";
import { jsonKind } from "./json-cursor.ts";
import { lastInteger, readNumber } from "./json-number.ts";
import { type JsonReader, wrongJsonType } from "./json-reader.ts";
import { copyLastString, scanString } from "./json-string.ts";

const emptyData = new Uint8Array(0);

/** What must be known of a tensor before its JSON data can be read. */
export interface TensorDeclaration {
  readonly name: string;
  readonly datatype: DataType;
  /** Checked: no negative dimension, and neither elements nor bytes overflow. */
  readonly shape: Shape;
}

/**
 * Converts the JSON array at the reader into the tensor's wire bytes: little-endian, row-major, without an
 * intermediate array of values.
 *
 * Nested arrays are flattened; integers are cut to the width of the type without a range check; FP32 is rounded
 * from the double nearest to the text. The array of a tensor with no elements is read over.
 *
 * @param maxInputBytes - Limit of the result's size, from `--http-max-input-size`.
 * @returns Newly allocated, owned by the caller.
 * @throws StatusError for another kind of value, a wrong number of elements, or a result over the limit. FP16 and
 * BF16 have no JSON form.
 */
export function readTensorData(
  reader: JsonReader,
  tensor: TensorDeclaration,
  maxInputBytes: number,
): Uint8Array {
  const { datatype } = tensor;
  if (datatype === "FP16" || datatype === "BF16") {
    throw new StatusError(
      "INVALID_ARG",
      `sending ${datatype} data via JSON is not supported: send input '${tensor.name}' as binary data`,
    );
  }
  const count = elementCount(tensor.shape);
  if (count === 0) {
    if (reader.kind() !== jsonKind.array) throw wrongJsonType("data", "array");
    reader.skipValue("data");
    return emptyData;
  }
  // An element of BYTES is at least its length.
  checkInputBytes(tensor.name, count * (dataTypeByteSize[datatype] || 4), maxInputBytes);
  // Every element takes a character and a comma or bracket: do not allocate for elements that cannot be there.
  if (2 * count + 1 > reader.end - reader.position) throw countMismatch(tensor, count);
  switch (datatype) {
    case "BOOL":
      return readBooleans(reader, tensor, count);
    case "FP32":
    case "FP64":
      return readFloats(reader, tensor, count);
    case "BYTES":
      return readStrings(reader, tensor, count, maxInputBytes);
    default:
      return readIntegers(reader, tensor, count);
  }
}

function checkInputBytes(name: string, byteCount: number, maxInputBytes: number): void {
  if (byteCount <= maxInputBytes) return;
  throw new StatusError(
    "INVALID_ARG",
    `data of input '${name}' with ${byteCount} bytes exceeds the maximum allowed input size of ${maxInputBytes} bytes: raise --http-max-input-size to allow it`,
  );
}

function countMismatch(tensor: TensorDeclaration, count: number): StatusError {
  return new StatusError(
    "INVALID_ARG",
    `Unable to parse 'data': shape does not match true shape of the data of input '${tensor.name}', expecting ${count} elements`,
  );
}

function readFloats(reader: JsonReader, tensor: TensorDeclaration, count: number): Uint8Array {
  const isDouble = tensor.datatype === "FP64";
  const out = new Uint8Array(count * (isDouble ? 8 : 4));
  const view = new DataView(out.buffer);
  const elements = new FlatArrayCursor(reader, "data");
  let i = 0;
  for (let kind = elements.next(); kind !== jsonKind.none; kind = elements.next()) {
    if (kind !== jsonKind.number) throw wrongJsonType("data", "number");
    if (i === count) throw countMismatch(tensor, count);
    if (isDouble) view.setFloat64(i * 8, readNumber(reader), true);
    else view.setFloat32(i * 4, readNumber(reader), true);
    i++;
  }
  if (i !== count) throw countMismatch(tensor, count);
  return out;
}

function readBooleans(reader: JsonReader, tensor: TensorDeclaration, count: number): Uint8Array {
  const out = new Uint8Array(count);
  const elements = new FlatArrayCursor(reader, "data");
  let i = 0;
  for (let kind = elements.next(); kind !== jsonKind.none; kind = elements.next()) {
    if (kind !== jsonKind.boolean) throw wrongJsonType("data", "boolean");
    if (i === count) throw countMismatch(tensor, count);
    out[i++] = reader.readBooleanWord() ? 1 : 0;
  }
  if (i !== count) throw countMismatch(tensor, count);
  return out;
}

function readStrings(
  reader: JsonReader,
  tensor: TensorDeclaration,
  count: number,
  maxInputBytes: number,
): Uint8Array {
  const out = new BytesElementWriter(count * 8);
  const elements = new FlatArrayCursor(reader, "data");
  let i = 0;
  for (let kind = elements.next(); kind !== jsonKind.none; kind = elements.next()) {
    if (kind !== jsonKind.string) throw wrongJsonType("data", "string");
    if (i === count) throw countMismatch(tensor, count);
    scanString(reader);
    const { bytes, offset } = out.reserve(reader.stringEnd - reader.stringStart);
    out.commit(copyLastString(reader, bytes, offset));
    i++;
  }
  if (i !== count) throw countMismatch(tensor, count);
  checkInputBytes(tensor.name, out.byteLength, maxInputBytes);
  return out.finish();
}

function readIntegers(reader: JsonReader, tensor: TensorDeclaration, count: number): Uint8Array {
  const byteSize = dataTypeByteSize[tensor.datatype];
  const isUnsigned = tensor.datatype.startsWith("U");
  const out = new Uint8Array(count * byteSize);
  const view = new DataView(out.buffer);
  const elements = new FlatArrayCursor(reader, "data");
  let i = 0;
  for (let kind = elements.next(); kind !== jsonKind.none; kind = elements.next()) {
    if (kind !== jsonKind.number) throw wrongInteger(isUnsigned);
    if (i === count) throw countMismatch(tensor, count);
    const value = readNumber(reader);
    if (!reader.numberIsInteger || (isUnsigned && value < 0)) throw wrongInteger(isUnsigned);
    if (Number.isSafeInteger(value)) writeInteger(view, i * byteSize, byteSize, value);
    else writeLastInteger(reader, view, i * byteSize, tensor.datatype);
    i++;
  }
  if (i !== count) throw countMismatch(tensor, count);
  return out;
}

function wrongInteger(isUnsigned: boolean): StatusError {
  return wrongJsonType("data", isUnsigned ? "unsigned integer" : "integer");
}

/** Writes the low `byteSize` bytes of a safe integer in two's complement. */
function writeInteger(view: DataView, offset: number, byteSize: number, value: number): void {
  switch (byteSize) {
    case 1:
      view.setUint8(offset, value);
      break;
    case 2:
      view.setUint16(offset, value, true);
      break;
    case 4:
      view.setUint32(offset, value, true);
      break;
    default:
      view.setUint32(offset, value, true);
      view.setInt32(offset + 4, Math.floor(value / 2 ** 32), true);
  }
}

/** The same for an integer beyond 2^53, read from its text again. It must fit 64 bits. */
function writeLastInteger(reader: JsonReader, view: DataView, offset: number, datatype: DataType): void {
  const isUnsigned = datatype.startsWith("U");
  const value = lastInteger(reader);
  if (value !== (isUnsigned ? BigInt.asUintN(64, value) : BigInt.asIntN(64, value))) {
    throw wrongInteger(isUnsigned);
  }
  const byteSize = dataTypeByteSize[datatype];
  if (byteSize === 8) {
    view.setBigUint64(offset, BigInt.asUintN(64, value), true);
  } else {
    writeInteger(view, offset, byteSize, Number(BigInt.asUintN(8 * byteSize, value)));
  }
}
