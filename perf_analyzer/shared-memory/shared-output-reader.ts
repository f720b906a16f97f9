import { type DataType, dataTypeByteSize, parseDataType } from "../../server/core/data-type.ts";
import type { TensorPlace } from "./shared-layout.ts";

/** Looks an output up that is not in the response. @throws Error when there is none of that name, or it is cut off. */
export type FindSharedOutput = (name: string, datatype: string, shape: readonly number[]) => Uint8Array;

/** Copies outputs out of shared memory, where the next request will overwrite them. */
export class SharedOutputReader {
  readonly #bytes: Uint8Array;
  readonly #outputNames: readonly string[];
  readonly #lanes: readonly (readonly TensorPlace[])[];

  /**
   * @param bytes - The region of the outputs.
   * @param outputNames - In the order of each lane's places.
   */
  constructor(bytes: Uint8Array, outputNames: readonly string[], lanes: readonly (readonly TensorPlace[])[]) {
    this.#bytes = bytes;
    this.#outputNames = outputNames;
    this.#lanes = lanes;
  }

  /** The outputs of the request that used a lane. */
  lane(laneIndex: number): FindSharedOutput {
    return (name, datatype, shape) => {
      const place = this.#lanes[laneIndex]?.[this.#outputNames.indexOf(name)];
      const type = parseDataType(datatype);
      if (place === undefined || type === null) {
        throw new Error(`output "${name}" of type ${JSON.stringify(datatype)} is not in shared memory`);
      }
      const { offset, byteSize } = place;
      const elementCount = shape.reduce((product, dim) => product * dim, 1);
      const byteLength = this.#byteLengthOf(type, elementCount, place);
      if (byteLength > byteSize) {
        throw new Error(`output "${name}" has ${byteLength} bytes, but its shared memory only ${byteSize}`);
      }
      return this.#bytes.slice(offset, offset + byteLength);
    };
  }

  #byteLengthOf(type: DataType, elementCount: number, { offset, byteSize }: TensorPlace): number {
    if (type !== "BYTES") return elementCount * dataTypeByteSize[type];
    const view = new DataView(this.#bytes.buffer, this.#bytes.byteOffset + offset, byteSize);
    let at = 0;
    for (let i = 0; i < elementCount && at + 4 <= byteSize; i++) at += 4 + view.getUint32(at, true);
    return at;
  }
}
