import { ResponseOrder } from "../../schedulers/dynamic-batch/response-order.ts";
import type { Scheduler } from "../../schedulers/scheduler.ts";
import { CachingScheduler } from "../cache/caching-scheduler.ts";
import type { ResponseCache } from "../cache/response-cache.ts";
import type { Clock } from "../core/clock.ts";
import type { Logger } from "../logging/logger.ts";
import type { ModelConfig } from "../model-config/model-config.ts";
import { CacheStatistics, type ModelStatistics } from "../statistics/model-statistics.ts";

/** What caching the responses of a model needs of the server. */
export interface ResponseCachingParts {
  /** `null`: the server has no cache. */
  readonly responseCache: ResponseCache | null;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** The model version whose scheduler is wrapped. */
export interface CachedModel {
  readonly config: ModelConfig;
  readonly version: string;
  readonly statistics: ModelStatistics;
}

/**
 * Puts the server's cache before a model's scheduler, when the model's config asks for it.
 *
 * @param makeInner - Makes the model's own scheduler by the config that it is given.
 * @returns The scheduler itself when its responses are not to be cached.
 */
export function withResponseCache(
  makeInner: (config: ModelConfig) => Scheduler,
  { config, version, statistics }: CachedModel,
  { responseCache, clock, logger }: ResponseCachingParts,
): Scheduler {
  if (!config.isResponseCacheEnabled) return makeInner(config);
  if (responseCache === null) {
    logger.warning(
      `Model '${config.name}' version ${version}: response_cache has no effect, because the server has no cache; --cache-config gives it one`,
    );
    return makeInner(config);
  }
  const { dynamicBatching } = config;
  const isOrdered = dynamicBatching?.preserveOrdering === true;
  statistics.cache = new CacheStatistics();
  return new CachingScheduler({
    modelName: config.name,
    modelVersion: version,
    outputNames: config.output.map(({ name }) => name),
    // Hits must wait for their turn too, so the order is kept out here.
    inner: makeInner(
      isOrdered ? { ...config, dynamicBatching: { ...dynamicBatching, preserveOrdering: false } } : config,
    ),
    responseOrder: isOrdered ? new ResponseOrder() : null,
    cache: responseCache,
    observer: statistics,
    nowUs: () => clock.nowUs(),
    onNotKept: (reason) =>
      logger.warning(
        `Model '${config.name}' version ${version}: Failed to insert key into the response cache: ${reason}`,
      ),
  });
}
