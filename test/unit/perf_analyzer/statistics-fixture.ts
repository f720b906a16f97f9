import type { ModelStatistics } from "../../../perf_analyzer/client-backend/model-statistics.ts";

/** Counters of a model whose requests all took the same time, a tenth of it in each part. */
export function statisticsOf(
  name: string,
  version: string,
  { count, nsPerRequest }: { readonly count: number; readonly nsPerRequest: number },
): ModelStatistics {
  const part = { count, ns: (count * nsPerRequest) / 10 };
  const none = { count: 0, ns: 0 };
  return {
    name,
    version,
    inferenceCount: count,
    executionCount: count,
    durations: {
      success: { count, ns: count * nsPerRequest },
      fail: none,
      queue: part,
      compute_input: part,
      compute_infer: part,
      compute_output: part,
      cache_hit: none,
      cache_miss: none,
    },
  };
}
