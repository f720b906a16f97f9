import type { ConfigProblems } from "./config-problems.ts";
import { childPath } from "./json-path.ts";
import type { DynamicBatching, ModelConfig, QueuePolicy } from "./model-config.ts";
import { validatePadding } from "./validate-padding.ts";

const field = "dynamic_batching";

/**
 * Checks the rules between the fields of `dynamic_batching`.
 *
 * @param problems - Receives what is wrong.
 * @see contract §4.2, ModelDynamicBatching
 */
export function validateDynamicBatching(
  config: ModelConfig,
  batching: DynamicBatching,
  problems: ConfigProblems,
): void {
  checkPreferredSizes(config, batching, problems);
  checkPriorities(batching, problems);
  validatePadding(config, batching, problems);
  if (batching.preserveOrdering) checkArrivalOrder("preserve_ordering", batching, problems);
  if (batching.latencyTargetUs > 0) checkLatencyTarget(config, batching, problems);
}

/** The target is the one knob: what it decides cannot be given beside it. */
function checkLatencyTarget(config: ModelConfig, batching: DynamicBatching, problems: ConfigProblems): void {
  const exclude = (path: string): void =>
    problems.invalid(
      `"${field}.latency_target_microseconds" and "${path}" exclude each other: leave one of them out`,
    );
  if (batching.preferredBatchSize.length > 0) exclude(`${field}.preferred_batch_size`);
  if (batching.maxQueueDelayUs > 0) exclude(`${field}.max_queue_delay_microseconds`);
  // What waits beside an instance would be late before anybody knows.
  if (config.optimization.eagerBatching) exclude("optimization.eager_batching");
  checkArrivalOrder("latency_target_microseconds", batching, problems);
}

function checkPreferredSizes(config: ModelConfig, batching: DynamicBatching, problems: ConfigProblems): void {
  for (const [i, size] of batching.preferredBatchSize.entries()) {
    if (size <= config.maxBatchSize) continue;
    const path = childPath(`${field}.preferred_batch_size`, i);
    problems.invalid(`"${path}" must be <= max_batch_size ${config.maxBatchSize}, got ${size}`);
  }
}

function checkPriorities(batching: DynamicBatching, problems: ConfigProblems): void {
  const { priorityLevels, defaultPriorityLevel } = batching;
  const isDefaultALevel = defaultPriorityLevel >= 1 && defaultPriorityLevel <= priorityLevels;
  if (priorityLevels !== 0 && !isDefaultALevel) {
    problems.invalid(
      `"${field}.default_priority_level" must be from 1 to priority_levels ${priorityLevels}, got ${defaultPriorityLevel}`,
    );
  }
  for (const level of batching.priorityQueuePolicy.keys()) {
    if (level >= 1 && level <= priorityLevels) continue;
    const levels =
      priorityLevels === 0 ? "there are no priority_levels" : `levels are 1 to ${priorityLevels}`;
    problems.invalid(`"${childPath(`${field}.priority_queue_policy`, String(level))}": ${levels}`);
  }
}

/** Some fields need requests to be served in the order of their arrival. */
function checkArrivalOrder(name: string, batching: DynamicBatching, problems: ConfigProblems): void {
  const path = `${field}.${name}`;
  if (batching.priorityLevels > 1) {
    problems.invalid(
      `"${path}": priorities change the order, use at most 1 of priority_levels, got ${batching.priorityLevels}`,
    );
  }
  const policies: readonly (readonly [string, QueuePolicy])[] = [
    ["default_queue_policy", batching.defaultQueuePolicy],
    ...[...batching.priorityQueuePolicy].map(
      ([level, policy]) => [childPath("priority_queue_policy", String(level)), policy] as const,
    ),
  ];
  for (const [policyName, policy] of policies) {
    if (policy.timeoutAction !== "DELAY" || policy.defaultTimeoutUs === 0) continue;
    problems.invalid(
      `"${path}": "${field}.${policyName}" changes the order, because its timeout_action is DELAY: use REJECT`,
    );
  }
}
