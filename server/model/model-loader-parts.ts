import type { Backend } from "../../backends/backend.ts";
import type { SchedulerPlugin } from "../../schedulers/scheduler-plugin.ts";
import type { ResponseCache } from "../cache/response-cache.ts";
import type { Clock } from "../core/clock.ts";
import type { Failure } from "../core/status.ts";
import type { Logger } from "../logging/logger.ts";
import type { MetricsConfig } from "../metrics/metrics-config.ts";
import type { RateLimiter } from "../rate-limiter/rate-limiter.ts";
import type { CoreBudget } from "./core-budget.ts";
import type { Model } from "./model.ts";

/** What a loader needs of the server. */
export interface ModelLoaderParts {
  readonly backends: readonly Backend[];
  /** A scheduler of somebody else's. Throws a StatusError when there is none of that name. */
  readonly findScheduler: (name: string) => SchedulerPlugin;
  /** The `--backend-config` settings of a backend, global ones included. */
  readonly backendSettings: (backend: string) => ReadonlyMap<string, string>;
  readonly isAutoCompleteEnabled: boolean;
  readonly coreBudget: CoreBudget;
  /** `null`: the server keeps no responses. */
  readonly responseCache: ResponseCache | null;
  /** `null`: instances execute whenever they have work. */
  readonly rateLimiter: RateLimiter | null;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Which latencies are counted, and how. */
  readonly metricsConfig: MetricsConfig;
  /**
   * Finds a ready model, for ensembles and for models that call others.
   *
   * @param version - "" for the highest ready version.
   * @param namespace - Where the name is looked for first; `null`: nowhere in particular.
   */
  readonly findModel: (name: string, version: string, namespace: string | null) => Model | Failure;
  /** `--model-config-name`; `null`: none. */
  readonly configName: string | null;
  /**
   * Asks a model what its directory's golden requests ask. Throws a StatusError when it must not be served.
   *
   * @param makeProbes - Makes what is asked, only when there are such requests.
   */
  readonly checkGolden: (
    modelDirectory: string,
    makeProbes: () => Promise<readonly Model[]>,
  ) => Promise<void>;
  /** How often the load of a version is tried again when it fails: `--model-load-retry-count`. */
  readonly retryCount: number;
}
