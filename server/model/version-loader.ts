import type { HostedInstance } from "../../backends/worker/hosted-instance.ts";
import type { SchedulerPlugin } from "../../schedulers/scheduler-plugin.ts";
import type { Scheduler } from "../../schedulers/scheduler.ts";
import { StatusError } from "../core/status.ts";
import { completeModelConfig, type ModelConfigDraft } from "../model-config/complete-config.ts";
import type { ModelConfig } from "../model-config/model-config.ts";
import type { ModelStatistics } from "../statistics/model-statistics.ts";
import { batchSpecOf } from "./batch-spec.ts";
import { readInitialStates } from "./initial-states.ts";
import type { InstancePlan } from "./instance-plan.ts";
import type { InstancePlanner } from "./instance-planner.ts";
import { InstanceSet } from "./instance-set.ts";
import { startInstance } from "./instance-start.ts";
import { readLabels } from "./label-provider.ts";
import type { LoadSlots } from "./load-slots.ts";
import { Model } from "./model.ts";
import type { ModelLoaderParts } from "./model-loader-parts.ts";
import type { ModelSource } from "./model-source.ts";
import { newStatistics } from "./new-statistics.ts";
import { leavingSeats, type Seats, takeSeats } from "./rate-limiting.ts";
import { withResponseCache } from "./response-caching.ts";
import { makeScheduler } from "./scheduler-factory.ts";
import { countInto } from "./statistics-observer.ts";
import { prepareWarmup } from "./warmup/warmup.ts";

/** A version that is ready to serve. */
export interface LoadedVersion {
  readonly model: Model;
  readonly instances: InstanceSet;
}

/** `max_batch_size` of models that can batch and whose config does not say. The value is Triton's. */
const defaultMaxBatchSize = "4";

/** Brings one version of a model up: instances in their workers → complete config → scheduler → {@link Model}. */
export class VersionLoader {
  readonly #parts: ModelLoaderParts;
  readonly #planner: InstancePlanner;
  readonly #starts: LoadSlots;

  /** @param starts - Bounds how many instances load at the same time, in the whole server. */
  constructor(parts: ModelLoaderParts, planner: InstancePlanner, starts: LoadSlots) {
    this.#parts = parts;
    this.#planner = planner;
    this.#starts = starts;
  }

  /**
   * Brings the version up; when it fails, as often again as `--model-load-retry-count` says.
   *
   * @throws StatusError of the last attempt, all instances of which have been released.
   */
  async load(source: ModelSource, draft: ModelConfigDraft, version: string): Promise<LoadedVersion> {
    for (let retriesLeft = this.#parts.retryCount; ; retriesLeft--) {
      try {
        return await this.#attempt(source, draft, version);
      } catch (thrown) {
        if (retriesLeft === 0) throw thrown;
        this.#parts.logger.warning(
          `Model '${source.name}' version ${version} failed to load and is tried again, ${retriesLeft} time(s) at most: ${StatusError.from(thrown).message}`,
        );
      }
    }
  }

  async #attempt(source: ModelSource, draft: ModelConfigDraft, version: string): Promise<LoadedVersion> {
    const { logger } = this.#parts;
    const startUs = this.#parts.clock.nowUs();
    const plan = this.#planner.plan(source, draft.config, version);
    for (const warning of plan.warnings) logger.warning(warning);
    logger.info(plan.summary);
    const active = plan.inits.filter(({ instanceName }) => !plan.passive.has(instanceName));
    const seats = takeSeats(draft.config, active, this.#parts);
    const backend = this.#planner.backendOf(draft.config);
    const started: HostedInstance[] = [];
    const instances = plan.inits.map((init) =>
      this.#starts.run(async () => {
        const instance = startInstance(backend, init, this.#parts);
        started.push(instance);
        await instance.signature();
        return instance;
      }),
    );
    // They are looked at one after the other: one that fails meanwhile is not forgotten.
    for (const loading of instances) loading.catch(() => undefined);
    const [first] = instances;
    let counted: CountedInstances | null = null;
    try {
      if (first === undefined) throw new Error("A model without instances. This is a bug.");
      const config = await this.#complete(source, draft, await first);
      counted = await this.#makeSet(source, config, seats);
      for (const [index, loading] of instances.entries()) {
        const init = plan.inits[index];
        if (init !== undefined) await counted.set.add(await loading, init, plan);
      }
      const model = await this.#makeModel({ source, config, version, seats, counted, startUs, plan });
      return { model, instances: counted.set };
    } catch (thrown) {
      await Promise.allSettled(instances);
      // An instance that died after it was bound is being replaced by the pool.
      await counted?.set.pool.terminate();
      await Promise.all(started.map((instance) => instance.terminate()));
      this.#parts.rateLimiter?.dismiss([...seats.values()]);
      throw StatusError.from(thrown);
    }
  }

  async #complete(source: ModelSource, draft: ModelConfigDraft, first: HostedInstance): Promise<ModelConfig> {
    const settings = this.#parts.backendSettings(draft.config.backend);
    const { config, fields, notices } = completeModelConfig(
      draft,
      { signature: await first.signature(), completion: await first.completion() },
      Number(settings.get("default-max-batch-size") ?? defaultMaxBatchSize),
    );
    for (const notice of notices) this.#parts.logger.info(notice);
    source.onCompleted?.(fields);
    return config;
  }

  /** A set without instances, which are brought up as its recipe says. */
  async #makeSet(source: ModelSource, config: ModelConfig, seats: Seats): Promise<CountedInstances> {
    const backend = this.#planner.backendOf(config);
    // A scheduler that is not there must be heard of before anything is tried out.
    const plugin = config.schedulerName === "" ? null : this.#parts.findScheduler(config.schedulerName);
    const spec = batchSpecOf(config, await readInitialStates(source.directory, config));
    const warmup = await prepareWarmup(config, source.directory, backend.checkBytesInput);
    const counts = { statistics: newStatistics(config, this.#parts) };
    const set = new InstanceSet({
      backend,
      recipe: { spec, seats, config, warmup },
      observer: countInto(() => counts.statistics, config, this.#parts.logger),
      startInstance: (of, init) => startInstance(of, init, this.#parts),
      starts: this.#starts,
    });
    return { set, plugin, counts };
  }

  /** Puts the scheduler before the instances, and asks them the golden requests. */
  async #makeModel(making: VersionInMaking): Promise<Model> {
    const { source, config, version, seats, counted, startUs, plan } = making;
    const { clock, logger, checkGolden } = this.#parts;
    const { plugin, counts, set } = counted;
    const { pool } = set;
    const scheduling = { plugin, warn: (message: string) => logger.warning(message) };
    const makeOwn = (of: ModelConfig): Scheduler => makeScheduler(of, pool, clock, scheduling);
    const { checkBytesInput } = this.#planner.backendOf(config);
    const parts = {
      config,
      version,
      engine: plan.engine,
      isDecoupled: config.isDecoupled,
      pool: leavingSeats(pool, seats, this.#parts),
      clock,
      checkBytesInput,
      labels: await readLabels(source.directory, config.output),
      loadDurationSecs: (clock.nowUs() - startUs) / 1e6,
    };
    // What is asked must not be answered from the cache, nor be counted: the scheduler that serves takes the pool over.
    await checkGolden(source.directory, () =>
      Promise.resolve([new Model({ ...parts, statistics: counts.statistics, scheduler: makeOwn(config) })]),
    );
    const statistics = newStatistics(config, this.#parts);
    counts.statistics = statistics;
    const scheduler = withResponseCache(makeOwn, { config, version, statistics }, this.#parts);
    return new Model({ ...parts, statistics, scheduler });
  }
}

/** Instances, and what their pool counts into. */
interface CountedInstances {
  readonly set: InstanceSet;
  readonly plugin: SchedulerPlugin | null;
  /** The statistics that are served come into being after the golden requests. */
  readonly counts: { statistics: ModelStatistics };
}

/** A version whose instances are ready. */
interface VersionInMaking {
  readonly plan: InstancePlan;
  readonly source: ModelSource;
  readonly config: ModelConfig;
  readonly version: string;
  readonly seats: Seats;
  readonly counted: CountedInstances;
  readonly startUs: number;
}
