import type { InferenceRequest } from "../../server/core/inference-request.ts";
import { lengthOf, type PaddedInput } from "../../server/core/padded-length.ts";
import { type FrameHeader, type FrameLayout, tensorState } from "./batch-frame.ts";
import { paddedInputOf } from "./padded-input.ts";

/** An axis of an output that is as long as a padded input of this batch. */
export interface OutputTrim {
  /** Of the output, the batch dimension being 0. */
  readonly axis: number;
  readonly input: PaddedInput;
  /** The input's length in this batch. */
  readonly paddedLength: number;
}

const noTrims: readonly OutputTrim[] = [];

/** The axes of an output that are cut in this batch: none whose optional input was left out, for nothing was padded then. */
export function outputTrims(layout: FrameLayout, header: FrameHeader, index: number): readonly OutputTrim[] {
  const { inputs, outputs } = layout.spec;
  const { join } = outputs[index]!;
  if (join.kind !== "trimmed") return noTrims;
  return join.cuts.flatMap(({ axis, source }) => {
    if (header.inputState(source) !== tensorState.present) return [];
    const input = paddedInputOf(inputs, source);
    return [{ axis, input, paddedLength: header.readInput(source).shape[input.axis]! }];
  });
}

/**
 * Moves what belongs to the request to the front of its part of an output, in the memory where it lies.
 *
 * ```
 *   two rows of 2 in a batch of 4:   |a a . .|b b . .|  →  |a a b b|
 * ```
 *
 * @param data - The request's rows, in a frame that nobody else reads. The rest of it is of no use afterwards.
 * @param shape - Of `data`. Changed to what the request gets.
 * @returns The part of `data` that the request gets.
 */
export function trimInPlace(
  data: Uint8Array,
  shape: number[],
  request: InferenceRequest,
  trims: readonly OutputTrim[],
): Uint8Array {
  let kept = data;
  for (const { axis, input } of trims) {
    const length = lengthOf(request, input);
    const paddedLength = shape[axis]!;
    if (length === paddedLength) continue;
    let segments = 1;
    for (let i = 0; i < axis; i++) segments *= shape[i]!;
    const paddedBytes = segments === 0 ? 0 : kept.byteLength / segments;
    const ownBytes = (paddedBytes / paddedLength) * length;
    for (let segment = 1; segment < segments; segment++) {
      const start = segment * paddedBytes;
      kept.copyWithin(segment * ownBytes, start, start + ownBytes);
    }
    shape[axis] = length;
    kept = kept.subarray(0, segments * ownBytes);
  }
  return kept;
}
