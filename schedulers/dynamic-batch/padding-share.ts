import type { InferenceRequest } from "../../server/core/inference-request.ts";
import { lengthOf, type PaddedInput, roundUp } from "../../server/core/padded-length.ts";

/** What a batch that is being formed has of one padded input. */
class PaddedSum {
  readonly input: PaddedInput;
  /** Length of the longest request. */
  longest = 0;
  /** The requests' own lengths, each as often as it has rows. */
  sum = 0;

  constructor(input: PaddedInput) {
    this.input = input;
  }
}

/** Floating-point sums may miss a limit that lengths hit exactly. */
const tolerance = 1e-9;

/**
 * How much of a growing batch is padding, and whether one request more is within the limit.
 *
 * ```
 *   share = padding ÷ all positions, of each padded input by itself
 *
 *   lengths 6, 8, 5      |xxxxxx..|xxxxxxxx|xxxxx...|      5 of 24: 0.21
 * ```
 *
 * @remarks Lengths are counted as if each request were alone: what `multiple_of` adds is there in any batch, so it is
 * nobody's company that costs it.
 */
export class PaddingShare {
  readonly #limit: number;
  readonly #sums: readonly PaddedSum[];
  #rows = 0;

  /** @param limit - The largest share, 0 to 1. */
  constructor(inputs: readonly PaddedInput[], limit: number) {
    this.#limit = limit;
    this.#sums = inputs.map((input) => new PaddedSum(input));
  }

  /** Starts a batch with its first request, which is always in. */
  begin(first: InferenceRequest): void {
    this.#rows = 0;
    for (const sum of this.#sums) {
      sum.longest = 0;
      sum.sum = 0;
    }
    this.add(first);
  }

  /** Whether the batch stays within the limit with this request too. */
  fits(request: InferenceRequest): boolean {
    const size = sizeOf(request);
    const rows = this.#rows + size;
    for (const { input, longest, sum } of this.#sums) {
      const length = roundUp(lengthOf(request, input), input.multipleOf);
      const positions = rows * Math.max(longest, length);
      const padding = positions - sum - size * length;
      if (padding > positions * this.#limit + tolerance) return false;
    }
    return true;
  }

  /** Takes a request into the batch. */
  add(request: InferenceRequest): void {
    const size = sizeOf(request);
    this.#rows += size;
    for (const sum of this.#sums) {
      const length = roundUp(lengthOf(request, sum.input), sum.input.multipleOf);
      sum.longest = Math.max(sum.longest, length);
      sum.sum += size * length;
    }
  }

  /** Takes a request into the batch when it fits. @returns Whether it did. */
  tryAdd(request: InferenceRequest): boolean {
    if (!this.fits(request)) return false;
    this.add(request);
    return true;
  }
}

/** An empty request still takes a place in a batch. */
function sizeOf(request: InferenceRequest): number {
  return Math.max(1, request.batchSize);
}
