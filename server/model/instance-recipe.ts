import type { BatchSpec } from "../../backends/backend.ts";
import type { HostedInstance } from "../../backends/worker/hosted-instance.ts";
import type { ModelConfig } from "../model-config/model-config.ts";
import { RateLimitedInstance } from "../rate-limiter/rate-limited-instance.ts";
import type { ModelInstancePool, PooledInstance } from "./model-instance-pool.ts";
import type { Seats } from "./rate-limiting.ts";

/** What makes an instance of a model version fit for work, also one that takes a dead one's place. */
export interface InstanceRecipe {
  readonly config: ModelConfig;
  readonly spec: BatchSpec;
  readonly seats: Seats;
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
  { config, spec, seats }: InstanceRecipe,
): Promise<PooledInstance> {
  await instance.signature();
  const seat = seats.get(instance.name);
  const limited = seat === undefined ? null : new RateLimitedInstance(instance, seat, pool);
  await instance.bind(spec, limited ?? pool, config);
  return limited ?? instance;
}
