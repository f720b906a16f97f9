import { batchCompatibilityOf } from "../../schedulers/dynamic-batch/batch-compatibility.ts";
import type { BatchFormingRules } from "../../schedulers/dynamic-batch/batch-former.ts";
import { DynamicBatchScheduler } from "../../schedulers/dynamic-batch/dynamic-batch-scheduler.ts";
import { PreferredBatchSizes } from "../../schedulers/dynamic-batch/preferred-batch-size.ts";
import type { InstancePool, Scheduler } from "../../schedulers/scheduler.ts";
import type { Clock } from "../core/clock.ts";
import type { ModelConfig } from "../model-config/model-config.ts";

/** The scheduler that a model's config asks for. */
export function makeScheduler(config: ModelConfig, pool: InstancePool, clock: Clock): Scheduler {
  return new DynamicBatchScheduler(batchFormingRulesOf(config), pool, clock);
}

function batchFormingRulesOf(config: ModelConfig): BatchFormingRules {
  const batching = config.dynamicBatching;
  if (batching === null || config.maxBatchSize === 0) {
    // Each request is an execution of its own, first in first out.
    return {
      maxBatchSize: 1,
      preferred: new PreferredBatchSizes([]),
      maxQueueDelayUs: 0,
      isCompatible: null,
    };
  }
  return {
    maxBatchSize: config.maxBatchSize,
    preferred: new PreferredBatchSizes(batching.preferredBatchSize),
    maxQueueDelayUs: batching.maxQueueDelayUs,
    isCompatible: batchCompatibilityOf(config.input),
  };
}
