import type { DataType as EngineType, Tensor, TypedArray } from "@tensorflow/tfjs-core";
import type { DataType } from "../../../server/core/data-type.ts";
import { type Failure, failure } from "../../../server/core/status.ts";
import { tf } from "../engine/tensorflow-js.ts";
import { bytesFromWire, bytesToWire } from "./bytes-tensor.ts";

/** Elements as the engine takes and gives them. */
export type EngineValues = TypedArray | Uint8Array[];

/** How a data type of the protocol is held by the engine, whose types are FP32, INT32, BOOL and strings. */
export interface ElementCodec {
  readonly engineType: EngineType;
  /**
   * Wire bytes as elements.
   *
   * @param offset - Into `buffer`; a multiple of 64.
   * @returns Elements that may be a view on `buffer`, or the failure of a value that the engine cannot hold.
   */
  decode(name: string, buffer: ArrayBuffer, offset: number, byteLength: number): EngineValues | Failure;
  /** The elements of an output as wire bytes, perhaps as a view on them. */
  encode(tensor: Tensor): Uint8Array;
}

type Numbers = Float32Array | Int32Array | Uint8Array | Int8Array | Int16Array | Uint16Array;
type NumbersConstructor = new (buffer: ArrayBuffer, byteOffset: number, length: number) => Numbers;

function bytesOf(values: ArrayBufferView): Uint8Array {
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
}

/** Types whose wire bytes the engine takes as they are. */
function direct(engineType: EngineType, view: NumbersConstructor, byteSize: number): ElementCodec {
  return {
    engineType,
    decode: (_name, buffer, offset, byteLength) =>
      new view(buffer, offset, byteLength / byteSize) as TypedArray,
    encode: (tensor) => bytesOf(tensor.dataSync()),
  };
}

/** Narrower integers: every value fits. The importer made sure that results do as well. */
function widened(
  view: NumbersConstructor & { from(values: ArrayLike<number>): Numbers },
  byteSize: number,
): ElementCodec {
  return {
    engineType: "int32",
    decode: (_name, buffer, offset, byteLength) =>
      Int32Array.from(new view(buffer, offset, byteLength / byteSize)),
    encode: (tensor) => bytesOf(view.from(tensor.dataSync())),
  };
}

/** INT64 as int32: a value beyond 32 bits is refused. */
const int64: ElementCodec = {
  engineType: "int32",
  decode(name, buffer, offset, byteLength) {
    const words = new Int32Array(buffer, offset, byteLength / 4);
    const values = new Int32Array(words.length / 2);
    for (let i = 0; i < values.length; i++) {
      const low = words[2 * i]!;
      // The upper word of a number that fits repeats the sign.
      if (words[2 * i + 1]! !== low >> 31) return beyondInt32(name, i, buffer, offset);
      values[i] = low;
    }
    return values;
  },
  encode(tensor) {
    const values = tensor.dataSync();
    const words = new Int32Array(values.length * 2);
    for (let i = 0; i < values.length; i++) {
      words[2 * i] = values[i]!;
      words[2 * i + 1] = values[i]! >> 31;
    }
    return bytesOf(words);
  },
};

function beyondInt32(name: string, index: number, buffer: ArrayBuffer, offset: number): Failure {
  const value = new DataView(buffer).getBigInt64(offset + index * 8, true);
  return failure(
    "INVALID_ARG",
    `element ${index} of input '${name}' is ${value}, but the embedded TensorFlow engine holds INT64 in 32 bits: values from -2147483648 to 2147483647`,
  );
}

/** Strings stay bytes: any content is carried, UTF-8 or not. */
const bytes: ElementCodec = {
  engineType: "string",
  // The engine keeps the elements, the batch's buffer goes back.
  decode: (_name, buffer, offset, byteLength) =>
    bytesFromWire(new Uint8Array(buffer.slice(offset, offset + byteLength))),
  encode: (tensor) => bytesToWire(tf.engine().readSync(tensor.dataId) as Uint8Array[]),
};

const codecs: ReadonlyMap<DataType, ElementCodec> = new Map<DataType, ElementCodec>([
  ["FP32", direct("float32", Float32Array, 4)],
  ["INT32", direct("int32", Int32Array, 4)],
  ["BOOL", direct("bool", Uint8Array, 1)],
  ["UINT8", widened(Uint8Array, 1)],
  ["INT8", widened(Int8Array, 1)],
  ["UINT16", widened(Uint16Array, 2)],
  ["INT16", widened(Int16Array, 2)],
  ["INT64", int64],
  ["BYTES", bytes],
]);

/** How the engine carries a data type, or `null` when it cannot: UINT32, UINT64, FP16, BF16 and FP64. */
export function elementCodec(datatype: DataType): ElementCodec | null {
  return codecs.get(datatype) ?? null;
}
