import { dataTypeByteSize } from "../../core/data-type.ts";
import { elementCount, formatShape, type Shape } from "../../core/shape.ts";
import { StatusError } from "../../core/status.ts";
import { Tensor } from "../../core/tensor.ts";
import type { ModelTensor } from "../../model/served-model.ts";
import { jsonKind } from "./json-cursor.ts";
import { lastInteger, readNumber } from "./json-number.ts";
import { JsonReader, wrongJsonType } from "./json-reader.ts";
import { readTensorData } from "./tensor-data-reader.ts";

const emptyData = new Uint8Array(0);

/** A value as a checked stretch of the request's text. */
interface ScannedValue {
  /** First byte, and the byte behind the last. */
  readonly start: number;
  readonly end: number;
  readonly isArray: boolean;
  readonly elementCount: number;
}

/**
 * Makes a tensor of the JSON value at the reader, a scalar or a flat array, and moves behind it. The type is the
 * model's; the shape is the model's with its variable dimensions found from the number of elements.
 *
 * @param maxBytes - What the tensor may have at most.
 * @param tooLarge - Makes the error for more, of a tensor of so many bytes.
 * @throws StatusError of INVALID_ARG
 * @see docs/protocol.md, "Generate"
 */
export function readGenerateInput(
  reader: JsonReader,
  input: ModelTensor,
  maxBytes: number,
  tooLarge: (byteCount: number) => StatusError,
): Tensor {
  const { name, datatype } = input;
  const value = scanValue(reader, input);
  // As in Triton: no data, no shape. Whether the model takes that is for its validation to say.
  if (value.elementCount === 0) return new Tensor(name, datatype, [], emptyData);
  const shape = deduceShape(input, value.elementCount);
  const fixedBytes = value.elementCount * dataTypeByteSize[datatype];
  if (fixedBytes > maxBytes) throw tooLarge(fixedBytes);
  const data = readTensorData(arrayOf(reader, value), { name, datatype, shape }, Number.MAX_SAFE_INTEGER);
  if (data.byteLength > maxBytes) throw tooLarge(data.byteLength);
  return new Tensor(name, datatype, shape, data);
}

/** A reader of the value as an array: of the text itself, or of a copy of the scalar in brackets. */
function arrayOf(reader: JsonReader, value: ScannedValue): JsonReader {
  if (value.isArray) return new JsonReader(reader.bytes, value.start, value.end);
  const length = value.end - value.start;
  const bracketed = Buffer.allocUnsafe(length + 2);
  bracketed[0] = 0x5b;
  reader.bytes.copy(bracketed, 1, value.start, value.end);
  bracketed[length + 1] = 0x5d;
  return new JsonReader(bracketed, 0, bracketed.byteLength);
}

/** Reads over the value, counts its elements and checks that each is of the JSON type that the input takes. */
function scanValue(reader: JsonReader, input: ModelTensor): ScannedValue {
  const isArray = reader.kind() === jsonKind.array;
  const start = reader.position;
  let count = 0;
  if (isArray) {
    for (let more = reader.enterArray(input.name); more; more = reader.nextElement()) {
      checkElement(reader, input);
      count++;
    }
  } else {
    checkElement(reader, input);
    count = 1;
  }
  return { start, end: reader.position, isArray, elementCount: count };
}

function checkElement(reader: JsonReader, { name, datatype }: ModelTensor): void {
  switch (datatype) {
    case "BOOL":
      reader.readBoolean(name);
      return;
    case "BYTES":
      if (reader.kind() !== jsonKind.string) throw wrongJsonType(name, "string");
      reader.skipValue(name);
      return;
    case "FP16":
    case "BF16":
    case "FP32":
    case "FP64":
      if (reader.kind() !== jsonKind.number) throw wrongJsonType(name, "number");
      readNumber(reader);
      return;
    case "UINT8":
    case "UINT16":
    case "UINT32":
    case "UINT64":
      reader.readUnsigned(name);
      return;
    default:
      checkInteger(reader, name);
  }
}

function checkInteger(reader: JsonReader, name: string): void {
  if (reader.kind() !== jsonKind.number) throw wrongJsonType(name, "integer");
  const value = readNumber(reader);
  if (!reader.numberIsInteger) throw wrongJsonType(name, "integer");
  if (Number.isSafeInteger(value)) return;
  const exact = lastInteger(reader);
  if (exact !== BigInt.asIntN(64, exact)) throw wrongJsonType(name, "integer");
}

/** The innermost variable dimension takes all elements that the fixed ones leave; the others are 1. */
function deduceShape({ name, shape }: ModelTensor, count: number): Shape {
  const innermost = shape.findLastIndex((dim) => dim < 0);
  const fixedCount = elementCount(shape.map((dim) => (dim < 0 ? 1 : dim)));
  const left = count / fixedCount;
  if (!Number.isInteger(left) || (innermost < 0 && left !== 1)) {
    throw new StatusError(
      "INVALID_ARG",
      `can not convert input '${name}': ${count} element${count === 1 ? "" : "s"} cannot be laid out in the model's shape ${formatShape(shape)}`,
    );
  }
  return shape.map((dim, index) => (dim >= 0 ? dim : index === innermost ? left : 1));
}
