import type { DataType } from "../../server/core/data-type.ts";

/** An input tensor as it is sent. */
export interface RequestInput {
  readonly name: string;
  readonly datatype: DataType;
  /** With the batch dimension, where the model has one. */
  readonly shape: readonly number[];
  /** Wire bytes, little-endian, row-major, BYTES with their lengths. */
  readonly data: Uint8Array;
}
