import type { ConfigProblems } from "./config-problems.ts";
import { childPath } from "./json-path.ts";
import type { ModelConfigFields } from "./model-config.gen.ts";

/**
 * Checks that each change to a metric names it and says where the buckets end.
 *
 * @param problems - Receives what is wrong.
 * @see contract §4.2, ModelMetrics
 */
export function validateModelMetrics({ model_metrics }: ModelConfigFields, problems: ConfigProblems): void {
  for (const [i, control] of (model_metrics?.metric_control ?? []).entries()) {
    const path = childPath("model_metrics.metric_control", i);
    if ((control.metric_identifier?.family ?? "") === "") {
      problems.invalid(`"${path}" must name a metric: metric_identifier.family`);
    }
    const buckets = control.histogram_options?.buckets ?? [];
    if (buckets.length === 0) {
      problems.invalid(`"${path}" must have at least one bound: histogram_options.buckets`);
    } else if (
      !buckets.every((bound, at) => Number.isFinite(bound) && (buckets[at - 1] ?? -Infinity) < bound)
    ) {
      problems.invalid(
        `"${path}.histogram_options.buckets" must ascend, got [${buckets.join(",")}]; the bucket without a bound is made in any case`,
      );
    }
  }
}
