import type { DataType } from "../../server/core/data-type.ts";
import type { RequestInput } from "../request-execution.ts";

/** Where a tensor lies in the buffers that travel with its message. */
export interface PackedTensor {
  readonly name: string;
  readonly datatype: DataType;
  readonly shape: readonly number[];
  /** Position in the message's buffers. */
  readonly buffer: number;
  readonly byteOffset: number;
  readonly byteLength: number;
}

/** What is packed. */
interface PackableTensor {
  readonly name: string;
  readonly datatype: DataType;
  readonly shape: readonly number[];
  readonly data: Uint8Array;
}

/** Enough for the elements of every type. */
const alignmentBytes = 8;
/** Small tensors share a page; larger ones get one of their own size. */
const pageBytes = 4096;

function align(bytes: number): number {
  return Math.ceil(bytes / alignmentBytes) * alignmentBytes;
}

/** Bytes that tensors take when they are packed one after the other. */
export function packedBytes(tensors: readonly PackableTensor[]): number {
  let total = 0;
  for (const { data } of tensors) total += align(data.byteLength);
  return total;
}

/**
 * Collects the tensors of one message between two threads in as few buffers as possible, each moved by transfer: a
 * tensor's bytes are copied at most once.
 */
export class TensorPacker {
  readonly #buffers: ArrayBuffer[] = [];
  #page: Uint8Array | null = null;
  #pageIndex = 0;
  #usedBytes = 0;

  /** @param expectedBytes - What {@link packedBytes} says of all that will be added, when that is known. */
  constructor(expectedBytes = 0) {
    if (expectedBytes > 0) this.#openPage(expectedBytes);
  }

  /**
   * Adds a tensor.
   *
   * @param canTransfer - The buffer behind `data` is moved as a whole, and detached here, instead of copied. It must be
   * a plain ArrayBuffer with the data at a multiple of 8 bytes; otherwise it is copied all the same.
   */
  add(tensor: PackableTensor, canTransfer = false): PackedTensor {
    const { name, datatype, shape, data } = tensor;
    const { byteLength } = data;
    if (canTransfer && data.buffer instanceof ArrayBuffer && data.byteOffset % alignmentBytes === 0) {
      let buffer = this.#buffers.indexOf(data.buffer);
      if (buffer < 0) buffer = this.#buffers.push(data.buffer) - 1;
      return { name, datatype, shape, buffer, byteOffset: data.byteOffset, byteLength };
    }
    let page = this.#page;
    if (page === null || this.#usedBytes + byteLength > page.byteLength) {
      page = this.#openPage(Math.max(pageBytes, align(byteLength)));
    }
    const byteOffset = this.#usedBytes;
    page.set(data, byteOffset);
    this.#usedBytes = align(byteOffset + byteLength);
    return { name, datatype, shape, buffer: this.#pageIndex, byteOffset, byteLength };
  }

  /** The buffers so far, which the caller now sends away. The next tensor opens a new page. */
  take(): ArrayBuffer[] {
    const buffers = this.#buffers.splice(0);
    this.#page = null;
    this.#usedBytes = 0;
    return buffers;
  }

  #openPage(byteLength: number): Uint8Array {
    const page = new Uint8Array(new ArrayBuffer(byteLength));
    this.#page = page;
    this.#pageIndex = this.#buffers.push(page.buffer) - 1;
    this.#usedBytes = 0;
    return page;
  }
}

/** The tensor again, as a view on the buffers that came with it. */
export function unpackTensor(packed: PackedTensor, buffers: readonly ArrayBuffer[]): RequestInput {
  const { name, datatype, shape, byteOffset, byteLength } = packed;
  const buffer = buffers[packed.buffer];
  if (buffer === undefined) throw new Error(`Tensor '${name}' came without its buffer. This is a bug.`);
  return { name, datatype, shape, data: new Uint8Array(buffer, byteOffset, byteLength) };
}
