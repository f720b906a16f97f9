import { StatusError } from "../../../server/core/status.ts";
import type { TensorProto } from "./saved-model-proto.ts";
import { type EngineType, tensorFlowType, typeNumber } from "./tensorflow-type.ts";

/** Elements as the engine holds them; of strings the bytes. */
export type ConstantValues = Float32Array | Int32Array | Uint8Array | readonly Uint8Array[];

/** A value that the graph holds: a constant or a frozen variable. */
export interface Constant {
  readonly shape: readonly number[];
  /** TensorFlow's number of the type. */
  readonly type: number;
  readonly engineType: EngineType;
  readonly values: ConstantValues;
}

/** Raw little-endian elements, as checkpoints and `tensor_content` have them. */
export interface RawElements {
  readonly type: number;
  readonly shape: readonly number[];
  readonly bytes: Uint8Array;
}

/**
 * Turns raw elements into those of the engine, exactly.
 *
 * @param isClampable - INT64 elements that int32 cannot hold become its largest or smallest: right for the bounds of slices,
 * which mean "to the end" by them, and for nothing else.
 * @throws StatusError UNSUPPORTED for a type or an INT64 element that the engine cannot hold.
 */
export function constantFromBytes(what: string, raw: RawElements, isClampable = false): Constant {
  const { type, shape } = raw;
  const { name, engineType, byteSize } = tensorFlowType(type);
  const count = shape.reduce((product, dim) => product * dim, 1);
  if (byteSize > 0 && raw.bytes.byteLength !== count * byteSize) {
    throw new StatusError(
      "INTERNAL",
      `${what} has ${raw.bytes.byteLength} bytes, but shape [${shape.join(",")}] of ${name} takes ${count * byteSize}`,
    );
  }
  // A copy of its own: the bytes may lie at any address, and typed arrays want theirs aligned.
  const { buffer } = Uint8Array.from(raw.bytes);
  const done = (values: ConstantValues, as: EngineType): Constant => ({
    shape,
    type,
    engineType: as,
    values,
  });
  switch (type) {
    case typeNumber.float:
      return done(new Float32Array(buffer), "float32");
    case typeNumber.half:
      // Every FP16 number is an FP32 number; what computes with it is checked elsewhere.
      return done(Float32Array.from(new Uint16Array(buffer), halfToNumber), "float32");
    case typeNumber.int32:
      return done(new Int32Array(buffer), "int32");
    case typeNumber.int64:
      return done(Int32Array.from(narrowed(what, new BigInt64Array(buffer), isClampable)), "int32");
    case typeNumber.uint8:
      return done(Int32Array.from(new Uint8Array(buffer)), "int32");
    case typeNumber.int8:
      return done(Int32Array.from(new Int8Array(buffer)), "int32");
    case typeNumber.int16:
      return done(Int32Array.from(new Int16Array(buffer)), "int32");
    case typeNumber.uint16:
      return done(Int32Array.from(new Uint16Array(buffer)), "int32");
    case typeNumber.bool:
      return done(new Uint8Array(buffer), "bool");
    default:
      throw new StatusError(
        "UNSUPPORTED",
        `${what} is of type ${name}, which the embedded TensorFlow engine cannot hold${engineType === null ? "" : " as a constant"}`,
      );
  }
}

/** The value of a `Const` node. @throws as {@link constantFromBytes} */
export function constantFromProto(what: string, proto: TensorProto, isClampable = false): Constant {
  const shape = (proto.tensorShape?.dim ?? []).map((dim) => dim.size);
  const count = shape.reduce((product, dim) => product * dim, 1);
  const type = proto.dtype;
  if (type === typeNumber.string) {
    const values = repeated(proto.stringVal, count, new Uint8Array(0));
    return { shape, type, engineType: "string", values };
  }
  if (proto.tensorContent.byteLength > 0 || count === 0) {
    return constantFromBytes(what, { type, shape, bytes: proto.tensorContent }, isClampable);
  }
  return constantFromBytes(what, { type, shape, bytes: listedBytes(proto, count) }, isClampable);
}

/** The elements of a value that is a list of numbers, as raw bytes. */
function listedBytes(proto: TensorProto, count: number): Uint8Array {
  const bytesOf = (array: ArrayBufferView): Uint8Array =>
    new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
  switch (proto.dtype) {
    case typeNumber.float:
      return bytesOf(Float32Array.from(repeated(proto.floatVal, count, 0)));
    case typeNumber.half:
      return bytesOf(Uint16Array.from(repeated(proto.halfVal, count, 0)));
    case typeNumber.int64:
      return bytesOf(BigInt64Array.from(repeated(proto.int64Val, count, 0), exactBigInt));
    case typeNumber.bool:
      return Uint8Array.from(repeated(proto.boolVal, count, false), Number);
    case typeNumber.int32:
      return bytesOf(Int32Array.from(repeated(proto.intVal, count, 0)));
    case typeNumber.int16:
    case typeNumber.uint16:
      return bytesOf(Uint16Array.from(repeated(proto.intVal, count, 0)));
    case typeNumber.int8:
    case typeNumber.uint8:
      return Uint8Array.from(repeated(proto.intVal, count, 0));
    default:
      // Its size is not known here; the caller names the type.
      return new Uint8Array(count * tensorFlowType(proto.dtype).byteSize);
  }
}

/** A number of a list, rounded by the decoder where it is beyond 2^53; only its sign and size count there. */
function exactBigInt(value: number): bigint {
  return BigInt.asIntN(64, BigInt(Math.max(-(2 ** 63), Math.min(value, 2 ** 63 - 1024))));
}

/** The list with its last element repeated until it has `count`; absent elements are `zero`. */
function repeated<T>(list: readonly T[], count: number, zero: T): T[] {
  const last = list[list.length - 1] ?? zero;
  return Array.from({ length: count }, (_, index) => list[index] ?? last);
}

function* narrowed(what: string, values: BigInt64Array, isClampable: boolean): Generator<number> {
  for (const value of values) {
    const number = Number(value);
    if (number >= -(2 ** 31) && number < 2 ** 31) yield number;
    else if (isClampable) yield number > 0 ? 2 ** 31 - 1 : -(2 ** 31);
    else {
      throw new StatusError(
        "UNSUPPORTED",
        `${what} holds the INT64 value ${value}, and the embedded TensorFlow engine has integers of 32 bits only`,
      );
    }
  }
}

/** The value of an FP16 bit pattern. */
export function halfToNumber(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >>> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 0x1f) return fraction === 0 ? sign * Infinity : NaN;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}
