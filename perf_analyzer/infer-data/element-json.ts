import { type DataType, dataTypeByteSize } from "../../server/core/data-type.ts";
import { PerfError } from "../exit-code.ts";
import { splitElements } from "./element-codec.ts";

type Get = (view: DataView, offset: number) => string;

/** JSON has no NaN and no Infinity. */
function finite(value: number): string {
  if (!Number.isFinite(value))
    throw new PerfError(`JSON cannot carry ${value}: use the binary tensor format`);
  return Object.is(value, -0) ? "-0.0" : String(value);
}

const gets: Readonly<Record<Exclude<DataType, "BYTES" | "FP16" | "BF16">, Get>> = {
  BOOL: (view, at) => String(view.getUint8(at) !== 0),
  UINT8: (view, at) => String(view.getUint8(at)),
  UINT16: (view, at) => String(view.getUint16(at, true)),
  UINT32: (view, at) => String(view.getUint32(at, true)),
  UINT64: (view, at) => String(view.getBigUint64(at, true)),
  INT8: (view, at) => String(view.getInt8(at)),
  INT16: (view, at) => String(view.getInt16(at, true)),
  INT32: (view, at) => String(view.getInt32(at, true)),
  INT64: (view, at) => String(view.getBigInt64(at, true)),
  FP32: (view, at) => finite(view.getFloat32(at, true)),
  FP64: (view, at) => finite(view.getFloat64(at, true)),
};

/**
 * Wire bytes as a flat JSON array.
 *
 * @throws PerfError for a type, or a value, that JSON cannot carry.
 */
export function jsonOfElements(name: string, datatype: DataType, data: Uint8Array): string {
  if (datatype === "BYTES") {
    const elements = splitElements(data) ?? [];
    const decoder = new TextDecoder("utf-8", { fatal: true });
    try {
      return JSON.stringify(elements.map((element) => decoder.decode(element)));
    } catch {
      throw new PerfError(`"${name}" has elements that are not UTF-8: use the binary tensor format`);
    }
  }
  return `[${elementTexts(name, datatype, data).join(",")}]`;
}

/** The numbers or truth values of a tensor, each as JSON. @throws PerfError for one that JSON cannot carry, or another type. */
export function elementTexts(name: string, datatype: DataType, data: Uint8Array): readonly string[] {
  if (datatype === "FP16" || datatype === "BF16" || datatype === "BYTES") {
    throw new PerfError(
      `"${name}" is ${datatype}, which JSON tensors do not have: use the binary tensor format, or gRPC`,
    );
  }
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  const texts: string[] = [];
  const get = gets[datatype];
  for (let at = 0; at < data.byteLength; at += dataTypeByteSize[datatype]) texts.push(get(view, at));
  return texts;
}
