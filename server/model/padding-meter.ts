import type { InferenceRequest } from "../core/inference-request.ts";
import { inputOf, lengthOf, type PaddedInput, paddedLength } from "../core/padded-length.ts";
import { elementCount } from "../core/shape.ts";
import type { ModelConfig } from "../model-config/model-config.ts";
import { type ModelStatistics, PaddingStatistics } from "../statistics/model-statistics.ts";

/** The inputs that a model's config pads. */
export function paddedInputsOf(config: ModelConfig): PaddedInput[] {
  return (config.dynamicBatching?.pad ?? []).map(({ input, axis, multipleOf }) => {
    const index = config.input.findIndex(({ name }) => name === input);
    return { name: input, index, axis, multipleOf };
  });
}

/** Counts how much of a model's batches is padding. */
export class PaddingMeter {
  readonly #inputs: readonly PaddedInput[];
  readonly #counts: PaddingStatistics;

  /** @returns A meter that counts into `statistics`, or `null` when the config pads nothing. */
  static of(config: ModelConfig, statistics: ModelStatistics): PaddingMeter | null {
    const inputs = paddedInputsOf(config);
    if (inputs.length === 0) return null;
    statistics.padding ??= new PaddingStatistics();
    return new PaddingMeter(inputs, statistics.padding);
  }

  private constructor(inputs: readonly PaddedInput[], counts: PaddingStatistics) {
    this.#inputs = inputs;
    this.#counts = counts;
  }

  /** A batch leaves for an instance, which will pad it. */
  onDispatch(batch: readonly InferenceRequest[]): void {
    for (const input of this.#inputs) {
      const padded = paddedLength(batch, input);
      for (const request of batch) {
        const tensor = inputOf(request, input.index, input.name);
        if (tensor === undefined) continue;
        const perPosition = elementCount(tensor.shape.with(input.axis, 1));
        this.#counts.elementCount += perPosition * padded;
        this.#counts.paddingCount += perPosition * (padded - lengthOf(request, input));
      }
    }
  }
}
