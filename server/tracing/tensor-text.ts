import { setImmediate as nextTurn } from "node:timers/promises";
import { splitBytesElements } from "../core/bytes-elements.ts";
import { type DataType, dataTypeByteSize } from "../core/data-type.ts";
import type { TensorSnapshot } from "./tensor-snapshot.ts";

/** Elements written between two turns of the event loop: well under a millisecond. */
const elementsPerTurn = 2048;

type ElementText = (view: DataView, offset: number) => string;

const elementTexts: Readonly<Record<Exclude<DataType, "BYTES">, ElementText>> = {
  BOOL: (view, offset) => (view.getUint8(offset) === 0 ? "0" : "1"),
  UINT8: (view, offset) => String(view.getUint8(offset)),
  UINT16: (view, offset) => String(view.getUint16(offset, true)),
  UINT32: (view, offset) => String(view.getUint32(offset, true)),
  UINT64: (view, offset) => String(view.getBigUint64(offset, true)),
  INT8: (view, offset) => String(view.getInt8(offset)),
  INT16: (view, offset) => String(view.getInt16(offset, true)),
  INT32: (view, offset) => String(view.getInt32(offset, true)),
  INT64: (view, offset) => String(view.getBigInt64(offset, true)),
  FP16: (view, offset) => String(halfValue(view.getUint16(offset, true))),
  FP32: (view, offset) => floatText(view.getFloat32(offset, true)),
  FP64: (view, offset) => String(view.getFloat64(offset, true)),
  BF16: (view, offset) => floatText(brainValue(view.getUint16(offset, true))),
};

/**
 * The elements of a tensor as trace files have them: numbers separated by commas, texts in quotation marks. Gives way
 * to other work now and then.
 */
export async function tensorText(tensor: TensorSnapshot): Promise<string> {
  const { datatype, bytes } = tensor;
  const texts: string[] = [];
  if (datatype === "BYTES") {
    for (const element of splitBytesElements(bytes)) {
      texts.push(
        JSON.stringify(Buffer.from(element.buffer, element.byteOffset, element.byteLength).toString()),
      );
      if (texts.length % elementsPerTurn === 0) await nextTurn();
    }
    return texts.join(",");
  }
  const elementText = elementTexts[datatype];
  const elementBytes = dataTypeByteSize[datatype];
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let offset = 0; offset + elementBytes <= bytes.byteLength; offset += elementBytes) {
    texts.push(elementText(view, offset));
    if (texts.length % elementsPerTurn === 0) await nextTurn();
  }
  return texts.join(",");
}

/** Digits of a 32-bit number that tell it from its neighbours. */
const digitCounts = [6, 7, 8, 9];

/** The shortest text that reads back as the same 32-bit number, instead of the digits of the double that holds it. */
function floatText(value: number): string {
  for (const digitCount of digitCounts) {
    const short = Number(value.toPrecision(digitCount));
    if (Math.fround(short) === value) return String(short);
  }
  // NaN is equal to nothing.
  return String(value);
}

/** IEEE 754 half precision: a sign, 5 bits of exponent, 10 of fraction. */
function halfValue(bits: number): number {
  const sign = (bits & 0x8000) === 0 ? 1 : -1;
  const exponent = (bits >>> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0x1f) return fraction === 0 ? sign * Infinity : Number.NaN;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

const scratch = new DataView(new ArrayBuffer(4));

/** BF16 is the upper half of a 32-bit number. */
function brainValue(bits: number): number {
  scratch.setUint16(0, bits);
  scratch.setUint16(2, 0);
  return scratch.getFloat32(0);
}
