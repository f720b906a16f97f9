import type { Clock } from "../core/clock.ts";
import type { Logger } from "../logging/logger.ts";
import {
  defaultFirstResponseBoundsMs,
  firstResponseFamilyName,
  type MetricsConfig,
} from "../metrics/metrics-config.ts";
import type { ModelConfig } from "../model-config/model-config.ts";
import { FirstResponseHistogram } from "../statistics/first-response-histogram.ts";
import { LatencySummaries } from "../statistics/latency-summaries.ts";
import { ModelStatistics, PaddingStatistics } from "../statistics/model-statistics.ts";
import { paddedInputsOf } from "./padding-meter.ts";

/** What the server's options say of statistics. */
export interface StatisticsParts {
  readonly metricsConfig: MetricsConfig;
  readonly clock: Clock;
}

/** The statistics of a model version that is about to be served: what there is to count is known from its config. */
export function newStatistics(
  config: ModelConfig,
  { metricsConfig, clock }: StatisticsParts,
): ModelStatistics {
  const statistics = new ModelStatistics();
  const nowUs = (): number => clock.nowUs();
  if (paddedInputsOf(config).length > 0) statistics.padding = new PaddingStatistics();
  if (metricsConfig.summaryLatencies) {
    statistics.summaries = new LatencySummaries(metricsConfig.summaryQuantiles, nowUs);
  }
  if (metricsConfig.histogramLatencies) {
    const boundsMs = config.histogramBuckets.get(firstResponseFamilyName) ?? defaultFirstResponseBoundsMs;
    statistics.firstResponse = new FirstResponseHistogram(boundsMs, nowUs);
  }
  return statistics;
}

/** Warns of buckets in a model's config that change nothing. */
export function warnOfUnusedBuckets(
  config: ModelConfig,
  { histogramLatencies }: MetricsConfig,
  logger: Logger,
): void {
  for (const family of config.histogramBuckets.keys()) {
    if (family !== firstResponseFamilyName) {
      logger.warning(
        `Model '${config.name}': model_metrics has no effect on '${family}': the only metric with buckets to choose is ${firstResponseFamilyName}`,
      );
    } else if (!histogramLatencies) {
      logger.warning(
        `Model '${config.name}': model_metrics has no effect, because the server has no histograms; --metrics-config=histogram_latencies=true gives it some`,
      );
    }
  }
}
