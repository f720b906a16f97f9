import type { DataType } from "../../../server/core/data-type.ts";
import type { NativeTensor, TensorFlowBinding } from "../native/tensorflow-binding.ts";
import { typeNumber } from "../saved-model/tensorflow-type.ts";
import { bytesFromWire, bytesToWire } from "./bytes-tensor.ts";

/**
 * How a data type of the protocol gets into native TensorFlow and out again, exactly.
 *
 * The addon takes and gives FP32, INT32, INT64, BOOL and strings, and takes UINT8. Every other type travels as one of
 * these and is cast, or its bits are given another type, by an operation of TensorFlow's.
 */
export interface NativeCodec {
  /** TensorFlow's number of the type. */
  readonly type: number;
  /** @param wire - Copied before this returns. @returns A tensor that the caller deletes. */
  create(binding: TensorFlowBinding, shape: readonly number[], wire: Uint8Array): number;
  /** The elements of a tensor as wire bytes, which nobody else holds. The tensor is not deleted. */
  read(binding: TensorFlowBinding, tensor: NativeTensor): Uint8Array;
}

/** A change of a tensor's type: `Cast` keeps values, `Bitcast` keeps bits. */
interface TypeChange {
  readonly operation: "Cast" | "Bitcast";
  readonly to: number;
}

type Narrow = Int8Array | Uint8Array | Int16Array | Uint16Array;
interface NarrowConstructor {
  new (buffer: ArrayBufferLike, byteOffset: number, length: number): Narrow;
  from(values: ArrayLike<number>): Narrow;
  readonly BYTES_PER_ELEMENT: number;
}

const uint32Number = 22;
const uint64Number = 23;

/**
 * TensorFlow uses the caller's memory without a copy when it is aligned to 16 bytes or more, and may keep it beyond the
 * run: in a variable, or as an output. This memory is not aligned, so TensorFlow copies it and has done with it before
 * `createTensor` returns; and a batch's buffer is free to go back to the main thread.
 */
class UnalignedCopy {
  readonly #offset = 4;
  #memory = new ArrayBuffer(4096);

  /** @returns Memory that stays as it is until the next call. */
  of(wire: Uint8Array): { readonly buffer: ArrayBuffer; readonly offset: number } {
    const needed = this.#offset + wire.byteLength;
    if (this.#memory.byteLength < needed) this.#memory = new ArrayBuffer(needed * 2);
    new Uint8Array(this.#memory, this.#offset, wire.byteLength).set(wire);
    return { buffer: this.#memory, offset: this.#offset };
  }
}

const unaligned = new UnalignedCopy();

/** Runs an operation that changes the type of a tensor. @returns Another tensor. */
function changeType(binding: TensorFlowBinding, id: number, from: number, change: TypeChange): NativeTensor {
  const type = binding.TF_ATTR_TYPE;
  const names = change.operation === "Cast" ? (["SrcT", "DstT"] as const) : (["T", "type"] as const);
  const attributes = [
    { name: names[0], type, value: from },
    { name: names[1], type, value: change.to },
  ];
  return binding.executeOp(change.operation, attributes, [id], 1)[0]!;
}

/** A chain of changes; deletes the tensors between, and the first one when `ownsFirst`. */
function changeTypes(
  binding: TensorFlowBinding,
  first: Pick<NativeTensor, "id" | "dtype">,
  changes: readonly TypeChange[],
  ownsFirst: boolean,
): number {
  let { id, dtype } = first;
  let isOwn = ownsFirst;
  for (const change of changes) {
    try {
      const next = changeType(binding, id, dtype, change);
      if (isOwn) binding.deleteTensor(id);
      ({ id, dtype } = next);
      isOwn = true;
    } catch (thrown) {
      if (isOwn) binding.deleteTensor(id);
      throw thrown;
    }
  }
  return id;
}

function bytesOf(values: ArrayBufferView): Uint8Array {
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
}

/** How the addon takes memory of a carrier type: 64-bit integers as pairs of 32 bits. */
type View = (buffer: ArrayBuffer, offset: number, byteLength: number) => ArrayBufferView;
const views: ReadonlyMap<number, View> = new Map<number, View>([
  [typeNumber.float, (buffer, offset, length) => new Float32Array(buffer, offset, length / 4)],
  [typeNumber.int32, (buffer, offset, length) => new Int32Array(buffer, offset, length / 4)],
  [typeNumber.int64, (buffer, offset, length) => new Int32Array(buffer, offset, length / 4)],
  [typeNumber.bool, (buffer, offset, length) => new Uint8Array(buffer, offset, length)],
  [typeNumber.uint8, (buffer, offset, length) => new Uint8Array(buffer, offset, length)],
]);

/** Wire bytes that the addon takes as they are, as a carrier whose bits or values the changes turn into the type. */
function carried(
  type: number,
  carrier: number = type,
  into: readonly TypeChange[] = [],
  outOf: readonly TypeChange[] = [],
): NativeCodec {
  const view = views.get(carrier)!;
  return {
    type,
    create(binding, shape, wire) {
      const { buffer, offset } = unaligned.of(wire);
      const id = binding.createTensor(shape, carrier, view(buffer, offset, wire.byteLength));
      return changeTypes(binding, { id, dtype: carrier }, into, true);
    },
    read: (binding, tensor) => readNumbers(binding, tensor, outOf),
  };
}

function readNumbers(
  binding: TensorFlowBinding,
  tensor: NativeTensor,
  changes: readonly TypeChange[],
): Uint8Array {
  const id = changeTypes(binding, tensor, changes, false);
  try {
    return bytesOf(binding.tensorDataSync(id) as ArrayBufferView);
  } finally {
    if (id !== tensor.id) binding.deleteTensor(id);
  }
}

/** Integers narrower than the addon's: each value as INT32, and cast. */
function widened(
  type: number,
  view: NarrowConstructor,
  into: readonly TypeChange[],
  outOf: readonly TypeChange[],
): NativeCodec {
  const carrier = carried(typeNumber.int32);
  return {
    type,
    create(binding, shape, wire) {
      const values = new view(wire.buffer, wire.byteOffset, wire.byteLength / view.BYTES_PER_ELEMENT);
      const id = carrier.create(binding, shape, bytesOf(Int32Array.from(values)));
      return changeTypes(binding, { id, dtype: typeNumber.int32 }, into, true);
    },
    read(binding, tensor) {
      const wide = readNumbers(binding, tensor, outOf);
      return bytesOf(view.from(new Int32Array(wide.buffer, wide.byteOffset, wide.byteLength / 4)));
    },
  };
}

const cast = (to: number): TypeChange => ({ operation: "Cast", to });
const bits = (to: number): TypeChange => ({ operation: "Bitcast", to });
const { int32, int64, uint8, uint16 } = typeNumber;

/** Two-byte floats: their bits as UINT16. */
function half(type: number): NativeCodec {
  return widened(type, Uint16Array, [cast(uint16), bits(type)], [bits(uint16), cast(int32)]);
}

/** The same bits as another type of the same size, which the addon takes and gives. */
function bitsAs(type: number, carrier: number): NativeCodec {
  return carried(type, carrier, [bits(type)], [bits(carrier)]);
}

const takeUint8 = carried(uint8);
const giveUint8 = widened(uint8, Uint8Array, [], [cast(int32)]);

/** The addon takes this type and does not give it. */
const uint8Codec: NativeCodec = {
  type: uint8,
  create: (binding, shape, wire) => takeUint8.create(binding, shape, wire),
  read: (binding, tensor) => giveUint8.read(binding, tensor),
};

/** Strings stay bytes: any content is carried, UTF-8 or not. */
const strings: NativeCodec = {
  type: typeNumber.string,
  create: (binding, shape, wire) => binding.createTensor(shape, typeNumber.string, bytesFromWire(wire)),
  read: (binding, tensor) => bytesToWire(binding.tensorDataSync(tensor.id) as readonly Uint8Array[]),
};

const codecs: ReadonlyMap<DataType, NativeCodec> = new Map<DataType, NativeCodec>([
  ["FP32", carried(typeNumber.float)],
  ["INT32", carried(int32)],
  ["INT64", carried(int64)],
  ["BOOL", carried(typeNumber.bool)],
  ["UINT8", uint8Codec],
  ["INT8", widened(typeNumber.int8, Int8Array, [cast(typeNumber.int8)], [cast(int32)])],
  ["INT16", widened(typeNumber.int16, Int16Array, [cast(typeNumber.int16)], [cast(int32)])],
  ["UINT16", widened(uint16, Uint16Array, [cast(uint16)], [cast(int32)])],
  ["UINT32", bitsAs(uint32Number, int32)],
  ["UINT64", bitsAs(uint64Number, int64)],
  ["FP64", bitsAs(typeNumber.double, int64)],
  ["FP16", half(typeNumber.half)],
  ["BF16", half(typeNumber.bfloat16)],
  ["BYTES", strings],
]);

const datatypes: ReadonlyMap<number, DataType> = new Map([...codecs].map(([name, { type }]) => [type, name]));

/** Types for which no operation runs between the addon and the model. */
const plainDatatypes: ReadonlySet<DataType> = new Set(["FP32", "INT32", "INT64", "BOOL"]);

/** How native TensorFlow carries a data type: it carries all of the protocol. */
export function nativeCodec(datatype: DataType): NativeCodec {
  return codecs.get(datatype)!;
}

/** The protocol's type for TensorFlow's number, or `null` for complex and quantised numbers, resources and variants. */
export function nativeDatatype(type: number): DataType | null {
  return datatypes.get(type) ?? null;
}

/**
 * Whether an addon without repairs carries the type safely.
 *
 * @see the repairs in tools/tensorflow/setup/addon-repairs.ts
 */
export function isPlainDatatype(datatype: DataType, isInput: boolean): boolean {
  return plainDatatypes.has(datatype) || (isInput && datatype === "UINT8");
}
