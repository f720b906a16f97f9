import type { DataType } from "./data-type.ts";
import type { Shape } from "./shape.ts";

/**
 * A tensor as it travels between the front ends, the schedulers and the backends: always the wire's bytes.
 *
 * @remarks
 * `data` is little-endian and row-major without padding; BYTES elements are each a uint32 length and that many
 * bytes, as in the binary tensor data extension. `data` may start at any address: nobody may assume that it is
 * aligned to the element size.
 */
export class Tensor {
  readonly name: string;
  readonly datatype: DataType;
  /** Full shape, with the batch dimension first when the model batches. */
  readonly shape: Shape;
  /** Views lend: who keeps these bytes after the call that handed them over must copy them. */
  readonly data: Uint8Array;

  constructor(name: string, datatype: DataType, shape: Shape, data: Uint8Array) {
    this.name = name;
    this.datatype = datatype;
    this.shape = shape;
    this.data = data;
  }
}
