import type { BatchInput, BatchSpec, ExecutionBatch, OutputPlace, TensorSpec } from "../backend.ts";
import { dataTypeByteSize } from "../../server/core/data-type.ts";

/**
 * A batch on its way to an instance's worker thread and back: one ArrayBuffer, moved by transfer, reused for ever.
 *
 * ```
 *  header, float64 slots                                       tensors, each at a multiple of 64 bytes
 * ┌──────┬──────────────┬───────────────┬────────────────┬────┬─────────┬─────────┬──────────┬──────────┐
 * │ rows │ 4 timestamps │ input records │ output records │ …  │ input 0 │ input 1 │ output 0 │ output 1 │
 * └──────┴──────────────┴───────────────┴────────────────┴────┴─────────┴─────────┴──────────┴──────────┘
 *  record: state, byteOffset, byteLength, dim 0 … dim rank-1
 *  Behind the records, for models with states only: one slot per row, see sequence-row.ts.
 * ```
 *
 * Header fields are doubles because sizes exceed 32 bits and timestamps have fractions; all integers in it are far
 * below 2^53. One transferred buffer instead of an object tree makes the message nearly free to serialise, and the
 * outputs of models with fixed sizes are written by the runtime straight into the memory that the response is
 * sent from.
 */
const slot = {
  rows: 0,
  computeStartUs: 1,
  computeInputEndUs: 2,
  computeOutputStartUs: 3,
  computeEndUs: 4,
} as const;
const firstRecordSlot = 5;
const record = { state: 0, byteOffset: 1, byteLength: 2, dims: 3 } as const;

/** Tensors start at multiples of this: what vector instructions like best, and more than any element needs. */
const tensorAlignmentBytes = 64;

export const tensorState = {
  /** An input that the batch does not carry, or an output that nobody wants. */
  absent: 0,
  /** An input, or an output that has been written. */
  present: 1,
  /** A wanted output whose size is not known beforehand. */
  wanted: 2,
  /** A wanted output with memory reserved at its offset. */
  wantedInPlace: 3,
} as const;

/** Rounds up to the tensor alignment. */
export function alignTensor(bytes: number): number {
  return Math.ceil(bytes / tensorAlignmentBytes) * tensorAlignmentBytes;
}

/**
 * Where things are in the frames of one model. Computed on both sides from the same {@link BatchSpec}.
 */
export class FrameLayout {
  readonly spec: BatchSpec;
  readonly isBatching: boolean;
  readonly headerBytes: number;
  /** First slot of each tensor's record. */
  readonly inputSlots: readonly number[];
  readonly outputSlots: readonly number[];
  /** Bytes per row of each output, or -1 when the size is not known beforehand. */
  readonly outputRowBytes: readonly number[];
  /** First slot of what is said of each row's sequence. */
  readonly sequenceRowSlot: number;
  /** Whether rows belong to sequences whose states the instance keeps. */
  readonly hasStates: boolean;

  constructor(spec: BatchSpec) {
    this.spec = spec;
    this.isBatching = spec.maxBatchSize > 0;
    let next: number = firstRecordSlot;
    const place = (tensor: TensorSpec): number => {
      const at = next;
      next += record.dims + this.rankOf(tensor);
      return at;
    };
    this.inputSlots = spec.inputs.map(place);
    this.outputSlots = spec.outputs.map(place);
    this.sequenceRowSlot = next;
    this.hasStates = spec.states.length > 0;
    if (this.hasStates) next += Math.max(1, spec.maxBatchSize);
    this.headerBytes = alignTensor(next * Float64Array.BYTES_PER_ELEMENT);
    this.outputRowBytes = spec.outputs.map(fixedRowBytes);
  }

  /**
   * Rank of the tensor as the model sees it, with the batch dimension. A scattered output is written as a row of
   * elements, whatever rank it had.
   */
  rankOf(tensor: TensorSpec): number {
    if (tensor.join.kind === "rows" || tensor.join.kind === "control")
      return tensor.dims.length + (this.isBatching ? 1 : 0);
    if (tensor.join.kind === "padded" || tensor.join.kind === "trimmed") return tensor.dims.length + 1;
    if (tensor.join.kind === "mask") return 2;
    return tensor.join.kind === "generated" && tensor.join.what === "BATCH_ITEM_SHAPE" ? 2 : 1;
  }

  /** Bytes reserved for the fixed-size outputs of a batch. */
  outputPlaceBytes(rows: number): number {
    let bytes = 0;
    for (const rowBytes of this.outputRowBytes) if (rowBytes >= 0) bytes += alignTensor(rowBytes * rows);
    return bytes;
  }
}

/** Bytes of one row when all its dimensions are fixed and the elements too, else -1. */
function fixedRowBytes(tensor: TensorSpec): number {
  if (tensor.datatype === "BYTES" || tensor.dims.includes(-1) || tensor.join.kind !== "rows") return -1;
  return tensor.dims.reduce((count, dim) => count * dim, dataTypeByteSize[tensor.datatype]);
}

/** Reads and writes the header of one frame. Whoever owns the buffer owns its header. */
export class FrameHeader {
  readonly buffer: ArrayBuffer;
  readonly #layout: FrameLayout;
  readonly #slots: Float64Array;

  constructor(layout: FrameLayout, buffer: ArrayBuffer) {
    this.buffer = buffer;
    this.#layout = layout;
    this.#slots = new Float64Array(buffer, 0, layout.headerBytes / Float64Array.BYTES_PER_ELEMENT);
  }

  get rows(): number {
    return this.#slots[slot.rows]!;
  }
  set rows(rows: number) {
    this.#slots[slot.rows] = rows;
  }
  get computeStartUs(): number {
    return this.#slots[slot.computeStartUs]!;
  }
  set computeStartUs(us: number) {
    this.#slots[slot.computeStartUs] = us;
  }
  get computeInputEndUs(): number {
    return this.#slots[slot.computeInputEndUs]!;
  }
  set computeInputEndUs(us: number) {
    this.#slots[slot.computeInputEndUs] = us;
  }
  get computeOutputStartUs(): number {
    return this.#slots[slot.computeOutputStartUs]!;
  }
  set computeOutputStartUs(us: number) {
    this.#slots[slot.computeOutputStartUs] = us;
  }
  get computeEndUs(): number {
    return this.#slots[slot.computeEndUs]!;
  }
  set computeEndUs(us: number) {
    this.#slots[slot.computeEndUs] = us;
  }

  sequenceRow(row: number): number {
    return this.#slots[this.#layout.sequenceRowSlot + row]!;
  }

  /** @param code - See sequence-row.ts. */
  writeSequenceRow(row: number, code: number): void {
    this.#slots[this.#layout.sequenceRowSlot + row] = code;
  }

  inputState(index: number): number {
    return this.#slots[this.#layout.inputSlots[index]! + record.state]!;
  }

  /** @param shape - Full shape as the model sees it. */
  writeInput(index: number, byteOffset: number, byteLength: number, shape: readonly number[]): void {
    this.#write(this.#layout.inputSlots[index]!, tensorState.present, byteOffset, byteLength);
    this.#writeDims(this.#layout.inputSlots[index]!, shape);
  }

  clearInput(index: number): void {
    this.#slots[this.#layout.inputSlots[index]! + record.state] = tensorState.absent;
  }

  readInput(index: number): BatchInput {
    const at = this.#layout.inputSlots[index]!;
    return {
      index,
      shape: this.#readDims(at, this.#layout.rankOf(this.#layout.spec.inputs[index]!)),
      buffer: this.buffer,
      byteOffset: this.#slots[at + record.byteOffset]!,
      byteLength: this.#slots[at + record.byteLength]!,
    };
  }

  outputState(index: number): number {
    return this.#slots[this.#layout.outputSlots[index]! + record.state]!;
  }

  /** @param state - One of {@link tensorState}; offset and length count only for `wantedInPlace`. */
  requestOutput(index: number, state: number, byteOffset: number, byteLength: number): void {
    this.#write(this.#layout.outputSlots[index]!, state, byteOffset, byteLength);
  }

  writeOutput(index: number, byteOffset: number, byteLength: number, shape: readonly number[]): void {
    this.#write(this.#layout.outputSlots[index]!, tensorState.present, byteOffset, byteLength);
    this.#writeDims(this.#layout.outputSlots[index]!, shape);
  }

  outputOffset(index: number): number {
    return this.#slots[this.#layout.outputSlots[index]! + record.byteOffset]!;
  }

  outputLength(index: number): number {
    return this.#slots[this.#layout.outputSlots[index]! + record.byteLength]!;
  }

  outputShape(index: number): number[] {
    return this.#readDims(
      this.#layout.outputSlots[index]!,
      this.#layout.rankOf(this.#layout.spec.outputs[index]!),
    );
  }

  #write(at: number, state: number, byteOffset: number, byteLength: number): void {
    this.#slots[at + record.state] = state;
    this.#slots[at + record.byteOffset] = byteOffset;
    this.#slots[at + record.byteLength] = byteLength;
  }

  #writeDims(at: number, shape: readonly number[]): void {
    for (let i = 0; i < shape.length; i++) this.#slots[at + record.dims + i] = shape[i]!;
  }

  #readDims(at: number, rank: number): number[] {
    const dims = new Array<number>(rank);
    for (let i = 0; i < rank; i++) dims[i] = this.#slots[at + record.dims + i]!;
    return dims;
  }
}

/** A frame as the instance in the worker sees it. */
export class FrameBatch implements ExecutionBatch {
  readonly rows: number;
  readonly buffer: ArrayBuffer;
  readonly inputs: readonly BatchInput[];
  readonly header: FrameHeader;
  readonly #layout: FrameLayout;

  constructor(layout: FrameLayout, buffer: ArrayBuffer) {
    this.#layout = layout;
    this.header = new FrameHeader(layout, buffer);
    this.buffer = buffer;
    this.rows = this.header.rows;
    const inputs: BatchInput[] = [];
    for (let i = 0; i < layout.inputSlots.length; i++) {
      if (this.header.inputState(i) === tensorState.present) inputs.push(this.header.readInput(i));
    }
    this.inputs = inputs;
  }

  wantsOutput(index: number): boolean {
    return this.header.outputState(index) !== tensorState.absent;
  }

  placeFor(index: number): OutputPlace | null {
    if (this.header.outputState(index) !== tensorState.wantedInPlace) return null;
    const dims = this.#layout.spec.outputs[index]!.dims;
    return {
      byteOffset: this.header.outputOffset(index),
      byteLength: this.header.outputLength(index),
      shape: this.#layout.isBatching ? [this.rows, ...dims] : dims,
    };
  }
}
