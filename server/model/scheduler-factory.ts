import { batchCompatibilityOf } from "../../schedulers/dynamic-batch/batch-compatibility.ts";
import {
  type BatchFormer,
  type BatchFormingRules,
  PreferredSizeFormer,
} from "../../schedulers/dynamic-batch/batch-former.ts";
import { DynamicBatchScheduler } from "../../schedulers/dynamic-batch/dynamic-batch-scheduler.ts";
import { LatencyTarget } from "../../schedulers/dynamic-batch/latency-target.ts";
import { PaddedBatchFormer } from "../../schedulers/dynamic-batch/padded-batch-former.ts";
import { PaddingShare } from "../../schedulers/dynamic-batch/padding-share.ts";
import { PreferredBatchSizes } from "../../schedulers/dynamic-batch/preferred-batch-size.ts";
import { ResponseOrder } from "../../schedulers/dynamic-batch/response-order.ts";
import { FifoRequestQueue } from "../../schedulers/queue/fifo-request-queue.ts";
import { PriorityRequestQueue } from "../../schedulers/queue/priority-request-queue.ts";
import type { RequestQueue } from "../../schedulers/queue/request-queue.ts";
import type { InstancePool, Scheduler } from "../../schedulers/scheduler.ts";
import type { SchedulerPlugin } from "../../schedulers/scheduler-plugin.ts";
import type { Clock } from "../core/clock.ts";
import type { DynamicBatching, ModelConfig } from "../model-config/model-config.ts";
import type { FormAhead } from "./model-instance-pool.ts";
import { paddedInputsOf } from "./padding-meter.ts";
import { makeSequenceScheduler } from "./sequence-scheduler.ts";

/** What else a scheduler may get from the server. */
export interface SchedulerSurroundings {
  /** The scheduler that {@link ModelConfig.schedulerName} names; `null` when it names none. */
  readonly plugin?: SchedulerPlugin | null;
  /** Writes a line into the log. */
  readonly warn?: (message: string) => void;
}

/**
 * The scheduler that a model's config asks for.
 *
 * @throws What the plugin throws.
 */
export function makeScheduler(
  config: ModelConfig,
  pool: InstancePool,
  clock: Clock,
  { plugin = null, warn = () => undefined }: SchedulerSurroundings = {},
): Scheduler {
  if (plugin !== null) return plugin.createScheduler({ config, pool, clock });
  if (config.sequenceBatching !== null) {
    return makeSequenceScheduler(config, config.sequenceBatching, { pool, clock, warn });
  }
  const batching = config.dynamicBatching;
  const target = latencyTargetOf(config, pool, clock);
  return new DynamicBatchScheduler({
    queue: queueOf(batching),
    former: target ?? formerOf(config),
    admission: target,
    responseOrder: batching?.preserveOrdering === true ? new ResponseOrder() : null,
    pool,
    clock,
  });
}

/** Whether instances of this model get a batch while they still execute another one. */
export function formAheadOf(config: ModelConfig): FormAhead {
  // What stands beside an instance is beyond the reach of a scheduler that may have plans of its own.
  if (config.schedulerName !== "") return "never";
  if (config.optimization.eagerBatching) return "always";
  const batching = config.dynamicBatching;
  // A request that waits beside an instance is beyond priorities, timeouts, the queue's size and the latency target.
  return hasQueuePolicy(batching) || (batching?.latencyTargetUs ?? 0) > 0 ? "never" : "whileShort";
}

function queueOf(batching: DynamicBatching | null): RequestQueue {
  return batching !== null && hasQueuePolicy(batching)
    ? new PriorityRequestQueue(batching)
    : new FifoRequestQueue();
}

/** Whether anything but the order of arrival decides who waits, and for how long. */
function hasQueuePolicy(batching: DynamicBatching | null): boolean {
  if (batching === null) return false;
  const policies = [batching.defaultQueuePolicy, ...batching.priorityQueuePolicy.values()];
  return (
    batching.priorityLevels > 0 ||
    policies.some((policy) => policy.defaultTimeoutUs !== 0 || policy.maxQueueSize !== 0)
  );
}

function latencyTargetOf(config: ModelConfig, pool: InstancePool, clock: Clock): LatencyTarget | null {
  const latencyTargetUs = config.dynamicBatching?.latencyTargetUs ?? 0;
  if (latencyTargetUs === 0) return null;
  const { maxBatchSize, isCompatible } = batchFormingRulesOf(config);
  const padding = paddingShareOf(config);
  return new LatencyTarget({ latencyTargetUs, maxBatchSize, isCompatible, padding }, pool, () =>
    clock.nowUs(),
  );
}

function formerOf(config: ModelConfig): BatchFormer {
  const rules = batchFormingRulesOf(config);
  const padding = paddingShareOf(config);
  return padding === null ? new PreferredSizeFormer(rules) : new PaddedBatchFormer(rules, padding);
}

function paddingShareOf(config: ModelConfig): PaddingShare | null {
  const inputs = paddedInputsOf(config);
  return inputs.length === 0 ? null : new PaddingShare(inputs, config.dynamicBatching?.maxPaddingShare ?? 0);
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
    isCompatible: batchCompatibilityOf(
      config.input,
      new Map(batching.pad.map(({ input, axis }) => [input, axis])),
    ),
  };
}
