import type { BatchSpec } from "../../backends/backend.ts";
import type { HostedInstance } from "../../backends/worker/hosted-instance.ts";
import type { ModelConfig } from "../model-config/model-config.ts";
import { RateLimitedInstance } from "../rate-limiter/rate-limited-instance.ts";
import type { ModelInstancePool, PooledInstance } from "./model-instance-pool.ts";
import { InstanceGate } from "./instance-gate.ts";
import type { Seats } from "./rate-limiting.ts";
import { runWarmup } from "./warmup/warmup.ts";
import type { WarmupSample } from "./warmup/warmup-sample.ts";

/** What makes an instance of a model version fit for work, also one that takes a dead one's place. */
export interface InstanceRecipe {
  readonly config: ModelConfig;
  readonly spec: BatchSpec;
  readonly seats: Seats;
  /** What each instance runs before it counts as loaded. */
  readonly warmup: readonly WarmupSample[];
}

/**
 * Makes an instance that has begun to load ready for its pool.
 *
 * @param pool - Hears of the instance from now on.
 * @throws StatusError when it cannot be.
 */
export async function bringUpInstance(
  instance: HostedInstance,
  pool: ModelInstancePool,
  { config, spec, seats, warmup }: InstanceRecipe,
): Promise<PooledInstance> {
  await instance.signature();
  const seat = seats.get(instance.name);
  const limited = seat === undefined ? null : new RateLimitedInstance(instance, seat, pool);
  const listener = limited ?? pool;
  if (warmup.length === 0) {
    await instance.bind(spec, listener, config);
    return limited ?? instance;
  }
  const gate = new InstanceGate(listener);
  await instance.bind(spec, gate, config);
  try {
    await runWarmup(warmup, instance, () => gate.idle(instance));
  } catch (thrown) {
    await instance.terminate();
    throw thrown;
  }
  gate.open();
  return limited ?? instance;
}
