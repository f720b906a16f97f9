import { bytesElementHeader, bytesElementLength } from "../../server/core/bytes-elements.ts";
import { type DataType, dataTypeByteSize } from "../../server/core/data-type.ts";
import { elementCount, type Shape } from "../../server/core/shape.ts";

/** The value of one state of one sequence, in memory of its own. */
export class KeptTensor {
  /** One item, without the batch dimension. */
  #shape: Shape;
  /** All of its buffer, in wire form. */
  #data: Uint8Array<ArrayBuffer>;

  /** @param data - Copied. */
  constructor(shape: Shape, data: Uint8Array) {
    this.#shape = shape;
    this.#data = new Uint8Array(data);
  }

  get shape(): Shape {
    return this.#shape;
  }

  get data(): Uint8Array<ArrayBuffer> {
    return this.#data;
  }

  /** Takes a new value, in the same memory when that fits. @param data - Copied. */
  replace(shape: Shape, data: Uint8Array): void {
    this.#shape = shape;
    if (data.byteLength === this.#data.byteLength) this.#data.set(data);
    else this.#data = new Uint8Array(data);
  }
}

/** Zeros, and empty strings: their lengths are zeros too. */
export function zeroData(datatype: DataType, shape: Shape): Uint8Array {
  const elementBytes = datatype === "BYTES" ? bytesElementHeader : dataTypeByteSize[datatype];
  return new Uint8Array(elementCount(shape) * elementBytes);
}

/**
 * Cuts a batch of one tensor into its rows.
 *
 * @param data - In wire form.
 * @returns Views on `data`.
 */
export function splitRows(data: Uint8Array, rows: number, datatype: DataType): Uint8Array[] {
  if (datatype !== "BYTES") {
    const rowBytes = data.byteLength / rows;
    return Array.from({ length: rows }, (_, row) => data.subarray(row * rowBytes, (row + 1) * rowBytes));
  }
  const starts = [0];
  for (let offset = 0; offset < data.byteLength; starts.push(offset))
    offset += bytesElementHeader + bytesElementLength(data, offset);
  const rowElements = (starts.length - 1) / rows;
  return Array.from({ length: rows }, (_, row) =>
    data.subarray(starts[row * rowElements], starts[(row + 1) * rowElements]),
  );
}
