import { batchCompatibilityOf, type BatchCompatibility } from "../../schedulers/dynamic-batch/batch-compatibility.ts";
import type { BatchFormingRules } from "../../schedulers/dynamic-batch/batch-former.ts";
import { DynamicBatchScheduler } from "../../schedulers/dynamic-batch/dynamic-batch-scheduler.ts";
import { PreferredBatchSizes } from "../../schedulers/dynamic-batch/preferred-batch-size.ts";
import type { InstanceLane, InstancePool, Scheduler } from "../../schedulers/scheduler.ts";
import { DirectLane } from "../../schedulers/sequence-batch/direct-lane.ts";
import { OldestLane } from "../../schedulers/sequence-batch/oldest-lane.ts";
import { SequenceBatchScheduler } from "../../schedulers/sequence-batch/sequence-batch-scheduler.ts";
import type { SequenceLane } from "../../schedulers/sequence-batch/sequence-lane.ts";
import type { Clock } from "../core/clock.ts";
import type { ModelConfig, OldestStrategy, SequenceBatching } from "../model-config/model-config.ts";

/**
 * The scheduler that a model's config asks for.
 *
 * @param warn - Writes a line into the log.
 */
export function makeScheduler(
  config: ModelConfig,
  pool: InstancePool,
  clock: Clock,
  warn: (message: string) => void = () => undefined,
): Scheduler {
  if (config.sequenceBatching === null) {
    return new DynamicBatchScheduler(batchFormingRulesOf(config), pool, clock);
  }
  return new SequenceBatchScheduler({
    modelName: config.name,
    maxSequenceIdleUs: config.sequenceBatching.maxSequenceIdleUs,
    makeLane: laneMaker(config, config.sequenceBatching, pool, clock),
    pool,
    clock,
    warn,
  });
}

function laneMaker(
  config: ModelConfig,
  batching: SequenceBatching,
  pool: InstancePool,
  clock: Clock,
): (instance: InstanceLane) => SequenceLane {
  const { strategy } = batching;
  const rowCount = Math.max(1, config.maxBatchSize);
  const isCompatible = sequenceCompatibilityOf(config, batching);
  if (strategy.kind === "direct") {
    const { maxQueueDelayUs, minimumSlotUtilization } = strategy;
    const rules = { slotCount: rowCount, maxQueueDelayUs, minimumSlotUtilization, isCompatible };
    return (instance) => new DirectLane(rules, instance);
  }
  const slotCount = strategy.maxCandidateSequences < 1 ? rowCount : strategy.maxCandidateSequences;
  const formingRules = oldestFormingRules(config, strategy, isCompatible);
  const makeBatcher = (lanePool: InstancePool): Scheduler =>
    new DynamicBatchScheduler(formingRules, lanePool, clock);
  return (instance) => new OldestLane({ slotCount, makeBatcher }, instance, pool);
}

function oldestFormingRules(
  config: ModelConfig,
  { preferredBatchSize, maxQueueDelayUs }: OldestStrategy,
  isCompatible: BatchCompatibility | null,
): BatchFormingRules {
  if (config.maxBatchSize === 0) return oneByOne;
  return {
    maxBatchSize: config.maxBatchSize,
    preferred: new PreferredBatchSizes(preferredBatchSize),
    maxQueueDelayUs,
    isCompatible,
  };
}

/**
 * A state whose shape varies has another one in each sequence, and only its instance knows which: then no two sequences
 * run together.
 */
function sequenceCompatibilityOf(config: ModelConfig, batching: SequenceBatching): BatchCompatibility | null {
  const hasVariableState = batching.state.some((state) => state.dims.includes(-1));
  return hasVariableState ? () => false : batchCompatibilityOf(config.input);
}

/** Each request is an execution of its own, first in first out. */
const oneByOne: BatchFormingRules = {
  maxBatchSize: 1,
  preferred: new PreferredBatchSizes([]),
  maxQueueDelayUs: 0,
  isCompatible: null,
};

function batchFormingRulesOf(config: ModelConfig): BatchFormingRules {
  const batching = config.dynamicBatching;
  if (batching === null || config.maxBatchSize === 0) return oneByOne;
  return {
    maxBatchSize: config.maxBatchSize,
    preferred: new PreferredBatchSizes(batching.preferredBatchSize),
    maxQueueDelayUs: batching.maxQueueDelayUs,
    isCompatible: batchCompatibilityOf(config.input),
  };
}
