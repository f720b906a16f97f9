import type { QuantileTarget } from "../statistics/quantile-sketch.ts";

/** Which latencies of the models the metrics show, and how: `--metrics-config`. */
export interface MetricsConfig {
  /** Their sums, and everything about cached models. */
  readonly counterLatencies: boolean;
  /** Their quantiles. */
  readonly summaryLatencies: boolean;
  /** How the times until first responses are distributed. */
  readonly histogramLatencies: boolean;
  /** At least one; no quantile twice. */
  readonly summaryQuantiles: readonly QuantileTarget[];
}

/** What Triton shows when it is not asked for more. */
export const defaultMetricsConfig: MetricsConfig = {
  counterLatencies: true,
  summaryLatencies: false,
  histogramLatencies: false,
  summaryQuantiles: [
    { quantile: 0.5, error: 0.05 },
    { quantile: 0.9, error: 0.01 },
    { quantile: 0.95, error: 0.001 },
    { quantile: 0.99, error: 0.001 },
    { quantile: 0.999, error: 0.001 },
  ],
};

/** The histogram that a model's `model_metrics` may give other buckets. */
export const firstResponseFamilyName = "nv_inference_first_response_histogram_ms";

/** Upper bounds of its buckets in ms, for models that do not say otherwise. Triton's. */
export const defaultFirstResponseBoundsMs: readonly number[] = [100, 500, 2_000, 5_000];
