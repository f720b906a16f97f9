import { type DataType, dataTypeByteSize } from "../../core/data-type.ts";
import { StatusError } from "../../core/status.ts";
import { type ProtoReader, wireType } from "./proto-reader.ts";

/** The lists of InferTensorContents by field number. */
const listNames = [
  "no list",
  "bool_contents",
  "int_contents",
  "int64_contents",
  "uint_contents",
  "uint64_contents",
  "fp32_contents",
  "fp64_contents",
  "bytes_contents",
] as const;
const fp32List = 6;
const fp64List = 7;
const bytesList = 8;

/** How an element of each list lies on the wire when it is not packed with others. */
const elementWireType: readonly number[] = [
  -1,
  wireType.varint,
  wireType.varint,
  wireType.varint,
  wireType.varint,
  wireType.varint,
  wireType.fixed32,
  wireType.fixed64,
  wireType.delimited,
];

/** The list that a datatype travels in; 0: in none, raw contents only. */
const listOf: Readonly<Record<DataType, number>> = {
  BOOL: 1,
  INT8: 2,
  INT16: 2,
  INT32: 2,
  INT64: 3,
  UINT8: 4,
  UINT16: 4,
  UINT32: 4,
  UINT64: 5,
  FP16: 0,
  FP32: fp32List,
  FP64: fp64List,
  BYTES: bytesList,
  BF16: 0,
};

/** Largest tensor that typed contents may become: one byte of a packed INT64 list can stand for eight. */
const largestTensorBytes = 0x7fff_ffff;

/** The length in front of each BYTES element. */
const lengthBytes = 4;

const field = "inputs.contents";

/**
 * Converts typed contents into the wire bytes of a tensor: little-endian, row-major, BYTES with their lengths.
 *
 * @remarks
 * Integers narrower than their list keep their low bytes without a range check, as in Triton. A packed list of
 * floating-point numbers has the wanted layout already and is returned as a view on the message.
 *
 * @param ranges - Begin and end of each `contents` message of the tensor, one after the other: protobuf joins several
 * into one.
 * @throws StatusError INVALID_ARG when a list has elements that is not the one of the datatype.
 */
export function readTensorContents(
  reader: ProtoReader,
  ranges: readonly number[],
  datatype: DataType,
  inputName: string,
): Uint8Array {
  const outerEnd = reader.end;
  let byteCount = 0;
  let lastByteCount = 0;
  let lastEnd = 0;
  // First pass: nothing is allocated before the size is known.
  for (let i = 0; i < ranges.length; i += 2) {
    reader.offset = ranges[i]!;
    reader.end = ranges[i + 1]!;
    while (reader.offset < reader.end) {
      const fieldBytes = measureField(reader, datatype, inputName);
      if (fieldBytes === 0) continue;
      byteCount += fieldBytes;
      lastByteCount = fieldBytes;
      lastEnd = reader.offset;
    }
  }
  let data: Uint8Array;
  const list = listOf[datatype];
  if ((list === fp32List || list === fp64List) && lastByteCount === byteCount) {
    reader.offset = lastEnd - byteCount;
    data = reader.view(lastEnd);
  } else {
    if (byteCount > largestTensorBytes) {
      throw new StatusError(
        "INVALID_ARG",
        `Contents of input tensor '${inputName}' make ${byteCount} bytes, at most ${largestTensorBytes} are possible`,
      );
    }
    data = convertContents(reader, ranges, datatype, byteCount);
  }
  reader.end = outerEnd;
  return data;
}

/** Passes over one field of the contents and returns how many bytes its elements take in the tensor. */
function measureField(reader: ProtoReader, datatype: DataType, inputName: string): number {
  const tag = reader.tag(field);
  const list = tag >>> 3;
  const wire = tag & 7;
  if (list > bytesList || (wire !== elementWireType[list] && wire !== wireType.delimited)) {
    reader.skip(tag, field);
    return 0;
  }
  const isSingle = wire === elementWireType[list];
  const length = wire === wireType.delimited ? reader.delimitedEnd(field) - reader.offset : 0;
  if (!isSingle && length === 0) return 0;
  if (list !== listOf[datatype]) {
    const expected = listOf[datatype] === 0 ? "raw_input_contents" : listNames[listOf[datatype]]!;
    throw new StatusError(
      "INVALID_ARG",
      `Unexpected ${listNames[list]!} for input tensor '${inputName}' of type ${datatype}: expected ${expected}`,
    );
  }
  if (list === bytesList) {
    reader.offset += length;
    return lengthBytes + length;
  }
  const byteSize = dataTypeByteSize[datatype];
  if (isSingle) {
    reader.skip(tag, field);
    return byteSize;
  }
  if (list === fp32List || list === fp64List) {
    if (length % byteSize !== 0) reader.malformed(field, `a packed list of ${length} bytes`);
    reader.offset += length;
    return length;
  }
  return passPackedVarints(reader, reader.offset + length) * byteSize;
}

/** Counts varints by their last bytes. */
function passPackedVarints(reader: ProtoReader, end: number): number {
  const bytes = reader.bytes;
  let count = 0;
  for (let i = reader.offset; i < end; i++) if (bytes[i]! < 0x80) count++;
  if (bytes[end - 1]! >= 0x80) reader.malformed(field, "a number ends too early");
  reader.offset = end;
  return count;
}

/** Second pass, over contents that {@link measureField} has accepted: only the datatype's own list has elements. */
function convertContents(
  reader: ProtoReader,
  ranges: readonly number[],
  datatype: DataType,
  byteCount: number,
): Uint8Array {
  const list = listOf[datatype];
  const byteSize = dataTypeByteSize[datatype];
  const data = Buffer.allocUnsafe(byteCount);
  let at = 0;
  for (let i = 0; i < ranges.length; i += 2) {
    reader.offset = ranges[i]!;
    reader.end = ranges[i + 1]!;
    while (reader.offset < reader.end) {
      const tag = reader.tag(field);
      const wire = tag & 7;
      if (tag >>> 3 !== list || (wire !== elementWireType[list] && wire !== wireType.delimited)) {
        reader.skip(tag, field);
      } else if (list === bytesList) {
        at = copyText(reader, data, at);
      } else if (list === fp32List || list === fp64List) {
        at = copyFixed(reader, data, at, wire === wireType.delimited ? -1 : byteSize);
      } else if (wire === wireType.varint) {
        at = convertVarint(reader, data, at, datatype);
      } else {
        const end = reader.delimitedEnd(field);
        while (reader.offset < end) at = convertVarint(reader, data, at, datatype);
      }
    }
  }
  return data;
}

function copyText(reader: ProtoReader, data: Buffer, at: number): number {
  const end = reader.delimitedEnd(field);
  const next = data.writeUInt32LE(end - reader.offset, at);
  const copied = reader.bytes.copy(data, next, reader.offset, end);
  reader.offset = end;
  return next + copied;
}

/** @param byteCount - Of the one element, or -1 for a packed list. */
function copyFixed(reader: ProtoReader, data: Buffer, at: number, byteCount: number): number {
  const end = byteCount === -1 ? reader.delimitedEnd(field) : reader.offset + byteCount;
  const copied = reader.bytes.copy(data, at, reader.offset, end);
  reader.offset = end;
  return at + copied;
}

/** Converts one element and returns where the next one goes. */
function convertVarint(reader: ProtoReader, data: Buffer, at: number, datatype: DataType): number {
  reader.varint64(field);
  const { low, high } = reader;
  switch (datatype) {
    case "BOOL":
      data[at] = (low | high) === 0 ? 0 : 1;
      return at + 1;
    case "INT8":
    case "UINT8":
      data[at] = low;
      return at + 1;
    case "INT16":
    case "UINT16":
      data[at] = low;
      data[at + 1] = low >>> 8;
      return at + 2;
    case "INT64":
    case "UINT64":
      return writeUint32(data, writeUint32(data, at, low), high);
    default:
      return writeUint32(data, at, low);
  }
}

/** Without the range check of Buffer's own method. */
function writeUint32(data: Buffer, at: number, value: number): number {
  data[at] = value;
  data[at + 1] = value >>> 8;
  data[at + 2] = value >>> 16;
  data[at + 3] = value >>> 24;
  return at + 4;
}
