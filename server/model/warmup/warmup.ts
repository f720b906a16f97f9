import type { HostedInstance } from "../../../backends/worker/hosted-instance.ts";
import type { ResponseSink } from "../../core/inference-request.ts";
import type { InferenceResponse } from "../../core/inference-response.ts";
import { type Failure, type Status, StatusError } from "../../core/status.ts";
import type { ModelConfig } from "../../model-config/model-config.ts";
import type { ValidatedModel } from "../request-validator.ts";
import { WarmupSample } from "./warmup-sample.ts";

/**
 * Makes the samples of a model's `model_warmup`. Those with a batch size of 0 are skipped.
 *
 * @throws StatusError that names the sample: its data cannot be had, or the model does not take it.
 * @see contract §6.11
 */
export async function prepareWarmup(
  config: ModelConfig,
  modelDirectory: string,
  checkBytesInput: ValidatedModel["checkBytesInput"],
): Promise<readonly WarmupSample[]> {
  const samples: WarmupSample[] = [];
  for (const sample of config.modelWarmup) {
    if (sample.batchSize === 0) continue;
    try {
      samples.push(await WarmupSample.prepare(sample, config, modelDirectory, checkBytesInput));
    } catch (thrown) {
      throw failedSample(sample.name, StatusError.from(thrown));
    }
  }
  return samples;
}

/**
 * Runs the samples on an instance that is bound and not in its pool yet, one after the other.
 *
 * @param idle - Waits for the end of the instance's execution, whose requests may be answered earlier. @returns What it
 * died of, or `null`.
 * @throws StatusError that names the sample which failed.
 */
export async function runWarmup(
  samples: readonly WarmupSample[],
  instance: Pick<HostedInstance, "execute">,
  idle: () => Promise<Status>,
): Promise<void> {
  for (const sample of samples) {
    for (let run = 0; run < sample.count; run++) {
      const failed = (await execute(sample, instance)) ?? (await idle());
      if (failed !== null) throw failedSample(sample.name, failed);
    }
  }
}

function failedSample(name: string, { code, message }: Failure): StatusError {
  return new StatusError(code, `failed to run warmup sample '${name}': ${message}`);
}

/** One execution: a batch of as many copies as the sample says. */
function execute(sample: WarmupSample, instance: Pick<HostedInstance, "execute">): Promise<Failure | null> {
  return new Promise((resolve) => {
    const sink = new WarmupSink(sample.batchSize, resolve);
    instance.execute(Array.from({ length: sample.batchSize }, (_, row) => sample.makeRequest(sink, row)));
  });
}

/** Waits for the final call of every request of a batch. */
class WarmupSink implements ResponseSink {
  #openCount: number;
  #failure: Failure | null = null;
  readonly #onDone: (failed: Failure | null) => void;

  constructor(requestCount: number, onDone: (failed: Failure | null) => void) {
    this.#openCount = requestCount;
    this.#onDone = onDone;
  }

  onResponse(_response: InferenceResponse, isFinal: boolean): void {
    if (isFinal) this.onEnd();
  }

  onFailure(cause: Failure, isFinal: boolean): void {
    this.#failure ??= cause;
    if (isFinal) this.onEnd();
  }

  onEnd(): void {
    this.#openCount--;
    if (this.#openCount === 0) this.#onDone(this.#failure);
  }
}
