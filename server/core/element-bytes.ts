import { type DataType, dataTypeByteSize } from "./data-type.ts";

/**
 * One number as an element of a tensor, in wire form: little-endian.
 *
 * @param value - For BOOL 0 or 1; for integer types a whole number within their range, of 64-bit ones within 2^53. Floating
 * types round to the nearest.
 * @returns `null` when the type cannot hold the value: out of range, a fraction, or BYTES.
 */
export function encodeElement(datatype: DataType, value: number): Uint8Array | null {
  const bytes = new Uint8Array(dataTypeByteSize[datatype]);
  const view = new DataView(bytes.buffer);
  return writers[datatype](view, value) ? bytes : null;
}

/** @returns Whether the type can hold the value. */
type ElementWriter = (view: DataView, value: number) => boolean;

const writers: Readonly<Record<DataType, ElementWriter>> = {
  BOOL: integer(0, 1, (view, value) => view.setUint8(0, value)),
  UINT8: integer(0, 0xff, (view, value) => view.setUint8(0, value)),
  UINT16: integer(0, 0xffff, (view, value) => view.setUint16(0, value, true)),
  UINT32: integer(0, 0xffffffff, (view, value) => view.setUint32(0, value, true)),
  UINT64: integer(0, Number.MAX_SAFE_INTEGER, (view, value) => view.setBigUint64(0, BigInt(value), true)),
  INT8: integer(-0x80, 0x7f, (view, value) => view.setInt8(0, value)),
  INT16: integer(-0x8000, 0x7fff, (view, value) => view.setInt16(0, value, true)),
  INT32: integer(-0x80000000, 0x7fffffff, (view, value) => view.setInt32(0, value, true)),
  INT64: integer(Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER, (view, value) =>
    view.setBigInt64(0, BigInt(value), true),
  ),
  FP16: (view, value) => {
    const magnitude = halfBits(Math.abs(value));
    if (magnitude >= halfInfinity) return false;
    view.setUint16(0, (isNegative(value) ? 0x8000 : 0) | magnitude, true);
    return true;
  },
  FP32: (view, value) => {
    view.setFloat32(0, value, true);
    return Number.isFinite(Math.fround(value));
  },
  FP64: (view, value) => {
    view.setFloat64(0, value, true);
    return Number.isFinite(value);
  },
  BYTES: () => false,
  BF16: (view, value) => {
    const bits = brainBits(value);
    view.setUint16(0, bits, true);
    return (bits & brainExponent) !== brainExponent;
  },
};

function integer(min: number, max: number, write: (view: DataView, value: number) => void): ElementWriter {
  return (view, value) => {
    if (!Number.isInteger(value) || value < min || value > max) return false;
    write(view, value);
    return true;
  };
}

function isNegative(value: number): boolean {
  return value < 0 || Object.is(value, -0);
}

const halfInfinity = 0x7c00;
const halfFractionBits = 10;
const halfMinExponent = -14;
const halfExponentBias = 15;

/** The bits of a number of at least 0 as a half; {@link halfInfinity} or more when it is too large. */
function halfBits(value: number): number {
  const exponent = Math.max(halfMinExponent, Math.floor(Math.log2(Math.max(value, Number.MIN_VALUE))));
  const fraction = roundHalfToEven(value * 2 ** (halfFractionBits - exponent));
  // A fraction that was rounded up to the next power of two carries over into the exponent by the addition.
  const biased = exponent + halfExponentBias;
  return biased > 2 * halfExponentBias
    ? halfInfinity
    : (biased << halfFractionBits) + fraction - (1 << halfFractionBits);
}

function roundHalfToEven(value: number): number {
  const floor = Math.floor(value);
  const rest = value - floor;
  return rest > 0.5 || (rest === 0.5 && floor % 2 === 1) ? floor + 1 : floor;
}

const brainExponent = 0x7f80;

/** The upper half of the bits of a 32-bit number, rounded to the nearest. */
function brainBits(value: number): number {
  const view = new DataView(new ArrayBuffer(4));
  view.setFloat32(0, value);
  const bits = view.getUint32(0);
  const isOdd = (bits >>> 16) & 1;
  return ((bits + 0x7fff + isOdd) >>> 16) & 0xffff;
}
