import type { ModelInstanceInit } from "../../backends/backend.ts";
import type { Logger } from "../logging/logger.ts";
import type { ModelConfig } from "../model-config/model-config.ts";
import { RateLimitedInstances } from "../rate-limiter/rate-limited-instances.ts";
import type { RateLimiter, RateLimiterSeat } from "../rate-limiter/rate-limiter.ts";
import { demandOf } from "./instance-demand.ts";
import type { ModelInstances } from "./model-instances.ts";

/** Seats at the rate limiter by instance name; empty when rates are not limited. */
export type Seats = ReadonlyMap<string, RateLimiterSeat>;

/** What limiting the rates of a model needs of the server. */
export interface RateLimitingParts {
  /** `null`: instances execute whenever they have work. */
  readonly rateLimiter: RateLimiter | null;
  readonly logger: Logger;
}

/**
 * Takes the instances of a model in at the rate limiter.
 *
 * @param inits - The instances that will be given work.
 * @throws StatusError INVALID_ARG: one of them could never run.
 */
export function takeSeats(
  config: ModelConfig,
  inits: readonly ModelInstanceInit[],
  { rateLimiter, logger }: RateLimitingParts,
): Seats {
  if (rateLimiter === null) {
    if (config.instanceGroup.some((group) => group.rateLimiter !== null)) {
      logger.info(`Model '${config.name}': rate_limiter has no effect, because --rate-limit is off`);
    }
    return new Map();
  }
  const seats = rateLimiter.admit(
    config.name,
    inits.map((init) => demandOf(init, config)),
  );
  return new Map(seats.map((seat, index) => [inits[index]?.instanceName ?? "", seat]));
}

/** The instances, which leave their seats when the last one has ended. */
export function leavingSeats(
  instances: ModelInstances,
  seats: Seats,
  { rateLimiter }: RateLimitingParts,
): ModelInstances {
  if (rateLimiter === null) return instances;
  return new RateLimitedInstances(instances, () => rateLimiter.dismiss([...seats.values()]));
}
