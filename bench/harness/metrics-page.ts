/** The counters of one model that the bench reads. */
export interface ModelCounters {
  /** Requests answered with a response. */
  readonly successCount: number;
  /** Rows answered. */
  readonly inferenceCount: number;
  /** Batches that ran. */
  readonly executionCount: number;
}

/** One scrape of `/metrics`, in Prometheus text. */
export class MetricsPage {
  readonly #lines: readonly string[];

  constructor(text: string) {
    this.#lines = text.split("\n");
  }

  /** @throws Error when the model has no such series. */
  model(name: string): ModelCounters {
    return {
      successCount: this.#value("nv_inference_request_success", name),
      inferenceCount: this.#value("nv_inference_count", name),
      executionCount: this.#value("nv_inference_exec_count", name),
    };
  }

  /** The part of a model's padded inputs that was padding. @throws Error when the model pads nothing. */
  paddingShare(name: string): number {
    return (
      this.#value("nv_inference_padding_element_count", name) /
      this.#value("nv_inference_padded_element_count", name)
    );
  }

  #value(metric: string, model: string): number {
    const line = this.#lines.find(
      (each) =>
        each.startsWith(`${metric}{`) && each.includes(`model="${model}"`) && each.includes('version="1"'),
    );
    if (line === undefined) throw new Error(`/metrics has no ${metric} of model "${model}"`);
    return Number(line.slice(line.lastIndexOf("} ") + 2));
  }
}

/** What the counters grew by between two scrapes. */
export function counterGrowth(before: ModelCounters, after: ModelCounters): ModelCounters {
  return {
    successCount: after.successCount - before.successCount,
    inferenceCount: after.inferenceCount - before.inferenceCount,
    executionCount: after.executionCount - before.executionCount,
  };
}
