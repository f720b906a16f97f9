import type { BatchTimes } from "../core/batch-times.ts";
import type { InferenceRequest } from "../core/inference-request.ts";
import type { ResponseOutcome, ResponseTimes } from "../core/response-times.ts";
import type { Logger } from "../logging/logger.ts";
import type { ModelConfig } from "../model-config/model-config.ts";
import type { ModelStatistics } from "../statistics/model-statistics.ts";
import type { PoolObserver } from "./model-instance-pool.ts";
import { PaddingMeter } from "./padding-meter.ts";

/**
 * Counts what a pool does, and logs its crashes.
 *
 * @param statistics - Where to count now: the statistics that are served come into being after the golden requests.
 */
export function countInto(
  statistics: () => ModelStatistics,
  config: ModelConfig,
  logger: Logger,
): PoolObserver {
  let meter: { readonly of: ModelStatistics; readonly padding: PaddingMeter | null } | null = null;
  const paddingOf = (current: ModelStatistics): PaddingMeter | null => {
    if (meter?.of !== current) meter = { of: current, padding: PaddingMeter.of(config, current) };
    return meter.padding;
  };
  return {
    onDispatch: (count: number, batch: readonly InferenceRequest[]) => {
      const current = statistics();
      current.onDispatch(count);
      paddingOf(current)?.onDispatch(batch);
    },
    onExecution: (rows: number, times: BatchTimes) => statistics().onExecution(rows, times),
    onResponse: (index: number, outcome: ResponseOutcome, times: ResponseTimes) =>
      statistics().onResponse(index, outcome, times),
    onCrash: (reason: string, next: string) => logger.error(`Model '${config.name}': ${reason}; ${next}`),
  };
}
