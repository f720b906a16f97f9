import type { InferenceRequest } from "./inference-request.ts";
import type { Tensor } from "./tensor.ts";

/** An input whose requests may differ in the length of one axis and share a batch all the same. */
export interface PaddedInput {
  readonly name: string;
  /** Where it stands in the config, and in requests that leave nothing out. */
  readonly index: number;
  /** The axis that is made equally long. At least 1: axis 0 is the batch dimension. */
  readonly axis: number;
  /** The length becomes a multiple of this; at least 1. */
  readonly multipleOf: number;
}

/** The length that a request of its own has to be padded to. */
export function roundUp(length: number, multipleOf: number): number {
  return Math.ceil(length / multipleOf) * multipleOf;
}

/** A request's tensor for a model's input, or `undefined` when an optional one was left out. */
export function inputOf(request: InferenceRequest, index: number, name: string): Tensor | undefined {
  const atIndex = request.inputs[index];
  return atIndex?.name === name ? atIndex : request.inputs.find((tensor) => tensor.name === name);
}

/** A request's length along the padded axis; 0 when the input was left out. */
export function lengthOf(request: InferenceRequest, input: PaddedInput): number {
  return inputOf(request, input.index, input.name)?.shape[input.axis] ?? 0;
}

/** The length that all requests of a batch are padded to: the longest one's, rounded up. */
export function paddedLength(batch: readonly InferenceRequest[], input: PaddedInput): number {
  let longest = 0;
  for (const request of batch) longest = Math.max(longest, lengthOf(request, input));
  return roundUp(longest, input.multipleOf);
}
