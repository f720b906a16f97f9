import { readdir } from "node:fs/promises";
import path from "node:path";
import type { Backend, ModelInstanceInit } from "../../backends/backend.ts";
import type { HostedInstance } from "../../backends/worker/hosted-instance.ts";
import { WorkerModelInstance } from "../../backends/worker/worker-model-instance.ts";
import type { ResponseCache } from "../cache/response-cache.ts";
import { WorkerRequestInstance } from "../../backends/worker/worker-request-instance.ts";
import type { SchedulerPlugin } from "../../schedulers/scheduler-plugin.ts";
import type { BatchTimes } from "../core/batch-times.ts";
import type { Clock } from "../core/clock.ts";
import type { InferenceRequest } from "../core/inference-request.ts";
import type { ResponseOutcome, ResponseTimes } from "../core/response-times.ts";
import { type Failure, StatusError } from "../core/status.ts";
import type { Logger } from "../logging/logger.ts";
import {
  completeModelConfig,
  draftModelConfig,
  type ModelConfigDraft,
} from "../model-config/complete-config.ts";
import type { ModelConfigFields } from "../model-config/model-config.gen.ts";
import type { ModelConfig } from "../model-config/model-config.ts";
import { parseModelConfig, readModelConfig } from "../model-config/read-config.ts";
import type { RateLimiter } from "../rate-limiter/rate-limiter.ts";
import { ModelStatistics } from "../statistics/model-statistics.ts";
import { batchSpecOf } from "./batch-spec.ts";
import type { CoreBudget } from "./core-budget.ts";
import { loadEnsemble } from "./ensemble-loader.ts";
import { readInitialStates } from "./initial-states.ts";
import { bringUpInstance, type InstanceRecipe } from "./instance-recipe.ts";
import { type InstancePlan, planInstances } from "./instance-plan.ts";
import { readLabels } from "./label-provider.ts";
import { Model } from "./model.ts";
import { callerOf } from "./model-call.ts";
import { ModelInstancePool, type PooledInstance } from "./model-instance-pool.ts";
import { prepareWarmup } from "./warmup/warmup.ts";
import { leavingSeats, takeSeats } from "./rate-limiting.ts";
import { withResponseCache } from "./response-caching.ts";
import { PaddingMeter } from "./padding-meter.ts";
import { formAheadOf, makeScheduler } from "./scheduler-factory.ts";

/** The versions of one model that loaded together, by decimal version number. */
export type LoadedVersions = ReadonlyMap<string, Model>;

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
  /** Finds a ready model, for ensembles and for models that call others. @param version - "" for the highest ready version. */
  readonly findModel: (name: string, version: string) => Model | Failure;
}

/** A model's directory, as the repository found it. */
export interface ModelSource {
  readonly name: string;
  readonly directory: string;
  /** Text that takes the place of the config file; `null`: none. */
  readonly configOverride: string | null;
  /** Version numbers that have a directory, ascending. */
  readonly versions: readonly number[];
  /** Picks the versions to serve, once the config is known. Throws when there are none. */
  selectVersions(config: ModelConfig): readonly number[];
  /** Called for each version when its loading begins. */
  onLoading(version: string): void;
  /** Called for each version with what its author and the model itself say of the config, without defaults. */
  onCompleted?(fields: ModelConfigFields): void;
}

/** What a pool needs to restart an instance, and to know which of them work. */
interface PoolPlan {
  readonly backend: Backend;
  readonly inits: readonly ModelInstanceInit[];
  readonly passive: ReadonlySet<string>;
}

/** `max_batch_size` of models that can batch and whose config does not say. The value is Triton's. */
const defaultMaxBatchSize = "4";

/** Brings versions of models up: config → instances in their workers → scheduler → {@link Model}. */
export class ModelLoader {
  readonly #parts: ModelLoaderParts;

  constructor(parts: ModelLoaderParts) {
    this.#parts = parts;
  }

  /**
   * Loads all versions of a model that its policy selects. They come up as one: when one fails, all are released.
   *
   * @throws StatusError that says what is wrong and in which file.
   */
  async load(source: ModelSource): Promise<LoadedVersions> {
    const draft = await this.draft(source);
    if (draft.config.ensembleScheduling !== null) return loadEnsemble(this.#parts, source, draft.config);
    const backend = this.#backendOf(draft.config);
    const selected = source.selectVersions(draft.config);
    for (const version of selected) source.onLoading(String(version));
    const results = await Promise.allSettled(
      selected.map((version) => this.#loadVersion(source, draft, backend, String(version))),
    );
    const failed = results.find((result) => result.status === "rejected");
    if (failed !== undefined) {
      for (const result of results) if (result.status === "fulfilled") await result.value.terminate();
      throw StatusError.from(failed.reason);
    }
    return new Map(
      results.flatMap((result) =>
        result.status === "fulfilled" ? [[result.value.version, result.value]] : [],
      ),
    );
  }

  /** What the config and the directory say of a model that is not loaded. @throws StatusError as {@link load}. */
  async draft(source: ModelSource): Promise<ModelConfigDraft> {
    const document =
      source.configOverride === null
        ? readModelConfig(source.directory, source.name)
        : parseModelConfig(source.configOverride, `config override of model '${source.name}'`);
    for (const notice of document?.notices ?? []) this.#parts.logger.warning(notice);
    const first = source.versions[0];
    const versionDirectoryEntries =
      first === undefined ? [] : (await readdir(path.join(source.directory, String(first)))).sort();
    return draftModelConfig({
      document,
      modelName: source.name,
      versionDirectoryEntries,
      isAutoCompleteEnabled: this.#parts.isAutoCompleteEnabled,
      backends: this.#parts.backends,
    });
  }

  async #loadVersion(
    source: ModelSource,
    draft: ModelConfigDraft,
    backend: Backend,
    version: string,
  ): Promise<Model> {
    const startUs = this.#parts.clock.nowUs();
    const plan = this.plan(source, draft.config, version);
    for (const warning of plan.warnings) this.#parts.logger.warning(warning);
    this.#parts.logger.info(plan.summary);
    const { inits, passive } = plan;
    const active = inits.filter(({ instanceName }) => !passive.has(instanceName));
    const seats = takeSeats(draft.config, active, this.#parts);
    const instances = inits.map((init) => this.#startInstance(backend, init));
    let pool: ModelInstancePool | null = null;
    try {
      const config = await this.#complete(source, draft, backend, instances);
      const plugin = config.schedulerName === "" ? null : this.#parts.findScheduler(config.schedulerName);
      const statistics = new ModelStatistics();
      const spec = batchSpecOf(config, await readInitialStates(source.directory, config));
      const warmup = await prepareWarmup(config, source.directory, backend.checkBytesInput);
      const recipe: InstanceRecipe = { spec, seats, config, warmup };
      pool = this.#makePool(statistics, recipe, { backend, inits, passive });
      for (const instance of instances) pool.add(await bringUpInstance(instance, pool, recipe));
      const bound = pool;
      const scheduling = {
        plugin,
        warn: (message: string) => this.#parts.logger.warning(message),
      };
      return new Model({
        config,
        version,
        isDecoupled: config.isDecoupled,
        statistics,
        pool: leavingSeats(pool, seats, this.#parts),
        scheduler: withResponseCache(
          (innerConfig) => makeScheduler(innerConfig, bound, this.#parts.clock, scheduling),
          { config, version, statistics },
          this.#parts,
        ),
        clock: this.#parts.clock,
        checkBytesInput: backend.checkBytesInput,
        labels: await readLabels(source.directory, config.output),
        loadDurationSecs: (this.#parts.clock.nowUs() - startUs) / 1e6,
      });
    } catch (thrown) {
      // An instance that died after it was bound is being replaced by the pool.
      await pool?.terminate();
      await Promise.all(instances.map((instance) => instance.terminate()));
      this.#parts.rateLimiter?.dismiss([...seats.values()]);
      throw StatusError.from(thrown);
    }
  }

  /** The instances that a version gets. @param config - At least a draft's. @throws StatusError as {@link load}. */
  plan(source: ModelSource, config: ModelConfig, version: string): InstancePlan {
    const backend = this.#backendOf(config);
    const serverSettings = new Map(this.#parts.backendSettings(backend.name));
    serverSettings.set("auto-complete-config", String(this.#parts.isAutoCompleteEnabled));
    if (config.sequenceBatching?.isIterative === true && backend.executionStyle === "batch") {
      throw new StatusError(
        "INVALID_ARG",
        `model '${config.name}': sequence_batching.iterative_sequence needs a backend that can ask for another run of a request, such as javascript; ${backend.name} cannot. Leave it out`,
      );
    }
    const settings = backend.resolveSettings(config, serverSettings);
    return planInstances({
      config,
      version,
      modelPath: path.resolve(source.directory, version, config.defaultModelFilename),
      settings,
      coreBudget: this.#parts.coreBudget,
      gpuDeviceIds: () => backend.gpuDeviceIds(),
    });
  }

  #backendOf(config: ModelConfig): Backend {
    const backend = this.#parts.backends.find((candidate) => candidate.name === config.backend);
    if (backend === undefined) throw new Error(`Backend '${config.backend}' vanished. This is a bug.`);
    return backend;
  }

  async #complete(
    source: ModelSource,
    draft: ModelConfigDraft,
    backend: Backend,
    instances: readonly HostedInstance[],
  ): Promise<ModelConfig> {
    const first = instances[0];
    if (first === undefined) throw new Error("A model without instances. This is a bug.");
    const settings = this.#parts.backendSettings(backend.name);
    const { config, fields, notices } = completeModelConfig(
      draft,
      { signature: await first.signature(), completion: await first.completion() },
      Number(settings.get("default-max-batch-size") ?? defaultMaxBatchSize),
    );
    for (const notice of notices) this.#parts.logger.info(notice);
    source.onCompleted?.(fields);
    return config;
  }

  #makePool(statistics: ModelStatistics, recipe: InstanceRecipe, plan: PoolPlan): ModelInstancePool {
    const { config } = recipe;
    const padding = PaddingMeter.of(config, statistics);
    const observer = {
      onDispatch: (count: number, batch: readonly InferenceRequest[]) => {
        statistics.onDispatch(count);
        padding?.onDispatch(batch);
      },
      onExecution: (rows: number, times: BatchTimes) => statistics.onExecution(rows, times),
      onResponse: (index: number, outcome: ResponseOutcome, times: ResponseTimes) =>
        statistics.onResponse(index, outcome, times),
      onCrash: (reason: string, next: string) =>
        this.#parts.logger.error(`Model '${config.name}': ${reason}; ${next}`),
    };
    const restart = async (name: string): Promise<PooledInstance> => {
      const init = plan.inits.find((candidate) => candidate.instanceName === name);
      if (init === undefined) throw new Error(`Unknown instance '${name}'. This is a bug.`);
      const instance = this.#startInstance(plan.backend, init);
      return bringUpInstance(instance, pool, recipe);
    };
    const pool = new ModelInstancePool(observer, restart, {
      formAhead: formAheadOf(config),
      passive: plan.passive,
    });
    return pool;
  }

  #startInstance({ executionStyle, instanceModuleUrl }: Backend, init: ModelInstanceInit): HostedInstance {
    if (executionStyle === "batch") return new WorkerModelInstance(instanceModuleUrl, init);
    const { findModel, logger } = this.#parts;
    const log = logger.child(init.modelName);
    return new WorkerRequestInstance(instanceModuleUrl, init, {
      callModel: callerOf(findModel),
      log: (severity, instanceName, message) => {
        const line = `${instanceName}: ${message}`;
        if (severity === "verbose") log.verbose(1, line);
        else log[severity](line);
      },
    });
  }
}
