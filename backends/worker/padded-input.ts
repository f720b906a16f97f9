import { dataTypeByteSize } from "../../server/core/data-type.ts";
import type { InferenceRequest } from "../../server/core/inference-request.ts";
import { inputOf, lengthOf, type PaddedInput, paddedLength } from "../../server/core/padded-length.ts";
import type { Shape } from "../../server/core/shape.ts";
import type { TensorSpec } from "../backend.ts";

/** The padded input at this position, or the one that the mask at this position belongs to. */
export function paddedInputOf(inputs: readonly TensorSpec[], index: number): PaddedInput {
  const { name, join } = inputs[index]!;
  if (join.kind === "mask") return paddedInputOf(inputs, join.source);
  if (join.kind !== "padded") throw new Error(`Input '${name}' is not padded. This is a bug.`);
  return { name, index, axis: join.axis, multipleOf: join.multipleOf };
}

/** Bytes of a padded input or of a mask in a batch. */
export function measurePadded(
  batch: readonly InferenceRequest[],
  inputs: readonly TensorSpec[],
  index: number,
): number {
  const { datatype, join } = inputs[index]!;
  const input = paddedInputOf(inputs, index);
  const length = paddedLength(batch, input);
  let elements = 0;
  for (const request of batch) {
    const { shape } = inputOf(request, input.index, input.name)!;
    elements += (join.kind === "mask" ? shape[0]! : segmentsOf(shape, input.axis).elementCount) * length;
  }
  return elements * dataTypeByteSize[datatype];
}

/**
 * How a tensor lies in memory as seen from one axis: runs of `length × inner` elements, each of which is filled up.
 *
 * ```
 *   [2, length, 3], row-major:   |a0 a1 a2 …|b0 b1 b2 …|   outer 2, inner 3
 *   padded:                      |a0 a1 a2 … 0 0|b0 b1 b2 … 0 0|
 * ```
 */
function segmentsOf(shape: Shape, axis: number): { outer: number; inner: number; elementCount: number } {
  let outer = 1;
  for (let i = 0; i < axis; i++) outer *= shape[i]!;
  let inner = 1;
  for (let i = axis + 1; i < shape.length; i++) inner *= shape[i]!;
  return { outer, inner, elementCount: outer * inner };
}

/** Where a padded input or a mask goes. */
export interface PaddedPlacement {
  /** Of the padded axis in this batch. */
  readonly length: number;
  /** What is put behind the elements of shorter requests, or what a mask has where there are elements; in wire form. */
  readonly element: Uint8Array;
  /** The whole frame. */
  readonly bytes: Uint8Array;
  /** Where the tensor begins. */
  readonly offset: number;
}

/**
 * Copies the requests' rows one after the other, each filled up to the same length. Padding is always written: the frame
 * holds what an earlier batch left there.
 *
 * @returns Where the tensor ends.
 */
export function writePadded(
  batch: readonly InferenceRequest[],
  input: PaddedInput,
  { length, element, bytes, offset }: PaddedPlacement,
): number {
  let at = offset;
  for (const request of batch) {
    const { shape, data } = inputOf(request, input.index, input.name)!;
    const { outer, inner } = segmentsOf(shape, input.axis);
    const itemBytes = inner * element.byteLength;
    const ownBytes = shape[input.axis]! * itemBytes;
    const paddedBytes = length * itemBytes;
    if (ownBytes === paddedBytes) {
      bytes.set(data, at);
      at += data.byteLength;
      continue;
    }
    for (let segment = 0; segment < outer; segment++) {
      bytes.set(data.subarray(segment * ownBytes, (segment + 1) * ownBytes), at);
      repeat(element, bytes, at + ownBytes, at + paddedBytes);
      at += paddedBytes;
    }
  }
  return at;
}

/**
 * Writes one row for each row of the batch: ones as far as its request is long, then zeros.
 *
 * @returns Where the tensor ends.
 */
export function writeMask(
  batch: readonly InferenceRequest[],
  input: PaddedInput,
  { length, element, bytes, offset }: PaddedPlacement,
): number {
  let at = offset;
  for (const request of batch) {
    const onesBytes = lengthOf(request, input) * element.byteLength;
    const rows = inputOf(request, input.index, input.name)!.shape[0]!;
    for (let row = 0; row < rows; row++) {
      const end = at + length * element.byteLength;
      repeat(element, bytes, at, at + onesBytes);
      bytes.fill(0, at + onesBytes, end);
      at = end;
    }
  }
  return at;
}

/** Fills `[start, end)` with one element after the other; whole elements fit. */
function repeat(element: Uint8Array, bytes: Uint8Array, start: number, end: number): void {
  const [first = 0] = element;
  // Zeros, mostly.
  if (element.every((byte) => byte === first)) {
    bytes.fill(first, start, end);
    return;
  }
  for (let at = start; at < end; at += element.byteLength) bytes.set(element, at);
}
