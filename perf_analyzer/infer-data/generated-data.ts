import { type DataType, dataTypeByteSize } from "../../server/core/data-type.ts";
import { encodeElements, lengthPrefixed } from "./element-codec.ts";
import type { RandomSource } from "./random-source.ts";
import { randomText } from "./random-text.ts";

/** What the elements of BYTES are made of. */
export interface StringOptions {
  /** `null`: random letters. */
  readonly data: string | null;
  readonly length: number;
}

/** Wire bytes of zeros; BYTES are empty texts, unless there is a text for them. */
export function zeroElements(datatype: DataType, count: number, strings: StringOptions): Uint8Array {
  if (datatype !== "BYTES") return new Uint8Array(count * dataTypeByteSize[datatype]);
  return repeated(Buffer.from(strings.data ?? ""), count);
}

/** Wire bytes of random values: floats from 0 to 1, integers over the type's whole range. */
export function randomElements(
  datatype: DataType,
  count: number,
  strings: StringOptions,
  random: RandomSource,
): Uint8Array {
  switch (datatype) {
    case "BYTES":
      if (strings.data !== null) return repeated(Buffer.from(strings.data), count);
      return Buffer.concat(
        Array.from({ length: count }, () =>
          lengthPrefixed(Buffer.from(randomText(strings.length, random))),
        ).flat(),
      );
    case "FP16":
    case "FP32":
    case "FP64":
    case "BF16":
      return encodeElements(
        datatype,
        Array.from({ length: count }, () => random.next()),
        "random",
      );
    case "BOOL":
      return Uint8Array.from({ length: count }, () => random.below(2));
    default:
      return Uint8Array.from({ length: count * dataTypeByteSize[datatype] }, () => random.below(256));
  }
}

function repeated(element: Uint8Array, count: number): Uint8Array {
  const one = Buffer.concat(lengthPrefixed(element));
  return Buffer.concat(Array.from({ length: count }, () => one));
}
