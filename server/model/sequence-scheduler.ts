import {
  type BatchCompatibility,
  batchCompatibilityOf,
} from "../../schedulers/dynamic-batch/batch-compatibility.ts";
import { PreferredSizeFormer } from "../../schedulers/dynamic-batch/batch-former.ts";
import { DynamicBatchScheduler } from "../../schedulers/dynamic-batch/dynamic-batch-scheduler.ts";
import { PreferredBatchSizes } from "../../schedulers/dynamic-batch/preferred-batch-size.ts";
import { ResponseOrder } from "../../schedulers/dynamic-batch/response-order.ts";
import { FifoRequestQueue } from "../../schedulers/queue/fifo-request-queue.ts";
import type { InstanceLane, InstancePool, Scheduler } from "../../schedulers/scheduler.ts";
import { DirectLane } from "../../schedulers/sequence-batch/direct-lane.ts";
import { OldestLane } from "../../schedulers/sequence-batch/oldest-lane.ts";
import { SequenceBatchScheduler } from "../../schedulers/sequence-batch/sequence-batch-scheduler.ts";
import type { SequenceLane } from "../../schedulers/sequence-batch/sequence-lane.ts";
import type { Clock } from "../core/clock.ts";
import type {
  DirectStrategy,
  ModelConfig,
  OldestStrategy,
  SequenceBatching,
} from "../model-config/model-config.ts";

/** What the server gives to a scheduler of sequences. */
interface SchedulerSurroundings {
  readonly pool: InstancePool;
  readonly clock: Clock;
  /** Writes a line into the log. */
  readonly warn: (message: string) => void;
}

type LaneMaker = (instance: InstanceLane) => SequenceLane;

/** The scheduler of a model with `sequence_batching`. */
export function makeSequenceScheduler(
  config: ModelConfig,
  batching: SequenceBatching,
  surroundings: SchedulerSurroundings,
): Scheduler {
  const { strategy } = batching;
  const isCompatible = compatibilityOf(config, batching);
  return new SequenceBatchScheduler({
    modelName: config.name,
    maxSequenceIdleUs: batching.maxSequenceIdleUs,
    isIterative: batching.isIterative,
    makeLane:
      strategy.kind === "direct"
        ? directLanes(config, strategy, isCompatible)
        : oldestLanes(config, strategy, isCompatible, surroundings),
    ...surroundings,
  });
}

function directLanes(
  config: ModelConfig,
  { maxQueueDelayUs, minimumSlotUtilization }: DirectStrategy,
  isCompatible: BatchCompatibility | null,
): LaneMaker {
  const slotCount = Math.max(1, config.maxBatchSize);
  const rules = { slotCount, maxQueueDelayUs, minimumSlotUtilization, isCompatible };
  return (instance) => new DirectLane(rules, instance);
}

function oldestLanes(
  config: ModelConfig,
  strategy: OldestStrategy,
  isCompatible: BatchCompatibility | null,
  { pool, clock }: SchedulerSurroundings,
): LaneMaker {
  const maxBatchSize = Math.max(1, config.maxBatchSize);
  const slotCount = strategy.maxCandidateSequences < 1 ? maxBatchSize : strategy.maxCandidateSequences;
  const preferred = new PreferredBatchSizes(strategy.preferredBatchSize);
  const formingRules = { maxBatchSize, preferred, maxQueueDelayUs: strategy.maxQueueDelayUs, isCompatible };
  const makeBatcher = (lanePool: InstancePool): Scheduler =>
    new DynamicBatchScheduler({
      queue: new FifoRequestQueue(),
      former: new PreferredSizeFormer(formingRules),
      admission: null,
      responseOrder: strategy.preserveOrdering ? new ResponseOrder() : null,
      pool: lanePool,
      clock,
    });
  return (instance) => new OldestLane({ slotCount, makeBatcher }, instance, pool);
}

/**
 * A state whose shape varies has another one in each sequence, and only its instance knows which: then no two sequences
 * run together.
 */
function compatibilityOf(config: ModelConfig, batching: SequenceBatching): BatchCompatibility | null {
  const hasVariableState = batching.state.some((state) => state.dims.includes(-1));
  return hasVariableState ? () => false : batchCompatibilityOf(config.input);
}
