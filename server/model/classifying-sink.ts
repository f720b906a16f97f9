import { classify } from "../core/classification.ts";
import type { ResponseSink } from "../core/inference-request.ts";
import type { InferenceResponse } from "../core/inference-response.ts";
import type { Failure } from "../core/status.ts";
import type { Tensor } from "../core/tensor.ts";
import type { Labels } from "./label-provider.ts";

/** Stands between a model and the sink of a request that wants some outputs as classes. */
export class ClassifyingSink implements ResponseSink {
  readonly #sink: ResponseSink;
  readonly #counts: ReadonlyMap<string, number>;
  readonly #labels: Labels;
  readonly #isBatching: boolean;

  /** @param counts - Classes wanted, by output name. */
  constructor(sink: ResponseSink, counts: ReadonlyMap<string, number>, labels: Labels, isBatching: boolean) {
    this.#sink = sink;
    this.#counts = counts;
    this.#labels = labels;
    this.#isBatching = isBatching;
  }

  onResponse(response: InferenceResponse, isFinal: boolean): void {
    const outputs: Tensor[] = [];
    for (const output of response.outputs) {
      const count = this.#counts.get(output.name);
      if (count === undefined) {
        outputs.push(output);
        continue;
      }
      const labels = this.#labels.get(output.name) ?? [];
      const classes = classify(output, { count, labels, isBatching: this.#isBatching });
      if ("code" in classes) {
        this.#sink.onFailure(classes, isFinal);
        return;
      }
      outputs.push(classes);
    }
    this.#sink.onResponse(response.withOutputs(outputs), isFinal);
  }

  onFailure(failure: Failure, isFinal: boolean): void {
    this.#sink.onFailure(failure, isFinal);
  }

  onEnd(): void {
    this.#sink.onEnd();
  }
}
