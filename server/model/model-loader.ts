import { readdir } from "node:fs/promises";
import path from "node:path";
import type { Backend, ModelInstanceInit } from "../../backends/backend.ts";
import type { HostedInstance } from "../../backends/worker/hosted-instance.ts";
import { WorkerModelInstance } from "../../backends/worker/worker-model-instance.ts";
import type { ResponseCache } from "../cache/response-cache.ts";
import { WorkerRequestInstance } from "../../backends/worker/worker-request-instance.ts";
import type { SchedulerPlugin } from "../../schedulers/scheduler-plugin.ts";
import type { BatchTimes } from "../core/batch-times.ts";
import type { Scheduler } from "../../schedulers/scheduler.ts";
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
import type { MetricsConfig } from "../metrics/metrics-config.ts";
import type { ModelStatistics } from "../statistics/model-statistics.ts";
import { batchSpecOf } from "./batch-spec.ts";
import type { CoreBudget } from "./core-budget.ts";
import { loadEnsemble } from "./ensemble-loader.ts";
import { readInitialStates } from "./initial-states.ts";
import { type InstanceRecipe } from "./instance-recipe.ts";
import { type InstanceChange, InstanceSet } from "./instance-set.ts";
import { type InstancePlan, planInstances } from "./instance-plan.ts";
import { readLabels } from "./label-provider.ts";
import { LoadSlots } from "./load-slots.ts";
import { Model } from "./model.ts";
import { callerOf } from "./model-call.ts";
import type { PoolObserver } from "./model-instance-pool.ts";
import { leavingSeats, takeSeats } from "./rate-limiting.ts";
import { reloadKey } from "./reload-key.ts";
import { withResponseCache } from "./response-caching.ts";
import { newStatistics, warnOfUnusedBuckets } from "./new-statistics.ts";
import { PaddingMeter } from "./padding-meter.ts";
import { makeScheduler } from "./scheduler-factory.ts";
import { prepareWarmup } from "./warmup/warmup.ts";

/** The versions of one model that loaded together, by decimal version number. */
export type LoadedVersions = ReadonlyMap<string, Model>;

/** A model that is ready to take the place of what serves. Either method is called, once. */
export interface LoadedModel {
  /** Those of {@link ModelSource.serving} that go on serving are among them. */
  readonly versions: LoadedVersions;
  /** Changes the instances of the versions that go on serving, without disturbing them. */
  apply(): void;
  /** Releases everything that is not in use. */
  discard(): Promise<void>;
}

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

/** A model's directory, as the repository found it. */
export interface ModelSource {
  readonly name: string;
  readonly directory: string;
  /** Path of its repository with `--model-namespacing`, else "". */
  readonly namespace: string;
  /** Text that takes the place of the config file; `null`: none. */
  readonly configOverride: string | null;
  /** The versions that serve now and are not broken: those that are still right may go on. */
  readonly serving: LoadedVersions;
  /** What the files looked like that a version consists of; `null`: it is always loaded anew. */
  filesOf(version: string): string | null;
  /** Version numbers that have a directory, ascending. */
  readonly versions: readonly number[];
  /** Called when the config is known, before anything else of the directory is used. Throws when it must not be. */
  onConfig(config: ModelConfig): Promise<void>;
  /** Picks the versions to serve, once the config is known. Throws when there are none. */
  selectVersions(config: ModelConfig): readonly number[];
  /** Called for each version when its loading begins. */
  onLoading(version: string): void;
  /** Called for each version with what its author and the model itself say of the config, without defaults. */
  onCompleted?(fields: ModelConfigFields): void;
}

/** What a version was loaded from. */
interface LoadRecord {
  /** Its config, without what may change while it serves. */
  readonly key: string;
  readonly files: string | null;
  readonly backend: Backend;
  readonly instances: InstanceSet;
}

/** `max_batch_size` of models that can batch and whose config does not say. The value is Triton's. */
const defaultMaxBatchSize = "4";

/** Instances of one model load side by side at start even on one core: the disk has its share in it. */
const minInstanceStarts = 2;

/** Brings versions of models up: config → instances in their workers → scheduler → {@link Model}. */
export class ModelLoader {
  readonly #parts: ModelLoaderParts;

  /** Bounds how many instances load at the same time. */
  readonly #starts: LoadSlots;
  readonly #records = new WeakMap<Model, LoadRecord>();

  constructor(parts: ModelLoaderParts) {
    this.#parts = parts;
    this.#starts = new LoadSlots(Math.max(minInstanceStarts, parts.coreBudget.coreCount));
  }

  /**
   * From now on models are served: making sessions gets half of the cores, one instance each, so that those who are
   * served keep the others.
   */
  yieldCores(): void {
    this.#starts.setLimit(Math.max(1, Math.floor(this.#parts.coreBudget.coreCount / 2)));
  }

  /**
   * Loads all versions of a model that its policy selects, except those that serve already and differ at most in where
   * their instances run. They come up as one: when one fails, all new ones are released.
   *
   * @throws StatusError that says what is wrong and in which file.
   */
  async load(source: ModelSource): Promise<LoadedModel> {
    const draft = await this.draft(source);
    warnOfUnusedBuckets(draft.config, this.#parts.metricsConfig, this.#parts.logger);
    if (draft.config.ensembleScheduling !== null) {
      const { findModel } = this.#parts;
      const find = (name: string, version: string): Model | Failure =>
        findModel(name, version, source.namespace);
      await source.onConfig(draft.config);
      const parts = { ...this.#parts, findModel: find };
      // What is asked must not be answered from the cache, nor be counted.
      await this.#parts.checkGolden(source.directory, async () => {
        const uncached = { ...draft.config, isResponseCacheEnabled: false };
        return [...(await loadEnsemble(parts, source, uncached)).values()];
      });
      const ensemble = await loadEnsemble(parts, source, draft.config);
      return loadedModel(ensemble, [...ensemble.values()], []);
    }
    const backend = this.#backendOf(draft.config);
    await source.onConfig(draft.config);
    const selected = source.selectVersions(draft.config).map(String);
    const staying = new Map(
      [...source.serving].filter(
        ([version, model]) => selected.includes(version) && this.#mayStay(model, source, draft),
      ),
    );
    const fresh = selected.filter((version) => !staying.has(version));
    for (const version of fresh) source.onLoading(version);
    const loads = fresh.map((version) => this.#loadWithRetries(source, draft, backend, version));
    const changes = [...staying.values()].map((model) => this.#prepareChange(model, source, draft));
    const ends = [Promise.allSettled(loads), Promise.allSettled(changes)] as const;
    const [versions, updates] = await Promise.all(ends);
    const loaded = versions.flatMap((end) => (end.status === "fulfilled" ? [end.value] : []));
    const prepared = updates.flatMap((end) => (end.status === "fulfilled" ? [end.value] : []));
    const all = new Map([...staying, ...loaded.map((model) => [model.version, model] as const)]);
    const result = loadedModel(all, loaded, prepared);
    const failed = [...versions, ...updates].find((end) => end.status === "rejected");
    if (failed === undefined) return result;
    await result.discard();
    throw StatusError.from(failed.reason);
  }

  #mayStay(model: Model, source: ModelSource, draft: ModelConfigDraft): boolean {
    const record = this.#records.get(model);
    const files = source.filesOf(model.version);
    if (record === undefined || files === null || record.files !== files) return false;
    if (record.key !== reloadKey(draft.config)) return false;
    // What an instance may take from the rate limiter was settled when it was admitted there.
    const groups = [model.config, draft.config].map(({ instanceGroup }) => JSON.stringify(instanceGroup));
    if (this.#parts.rateLimiter !== null && groups[0] !== groups[1]) return false;
    // A sequence's state is in its instance: taking that one out would end it half-way.
    const isBound = draft.config.sequenceBatching !== null || draft.config.schedulerName !== "";
    if (!isBound) return true;
    const config = { ...model.config, instanceGroup: draft.config.instanceGroup };
    return !record.instances.isSmallerIn(this.plan(source, config, model.version));
  }

  async #prepareChange(model: Model, source: ModelSource, draft: ModelConfigDraft): Promise<InstanceChange> {
    const record = this.#records.get(model);
    if (record === undefined) throw new Error("A model without a record stays. This is a bug.");
    const config = { ...model.config, instanceGroup: draft.config.instanceGroup };
    const plan = this.plan(source, config, model.version);
    const change = await record.instances.prepare(plan);
    const { addedCount, removedCount } = change;
    return {
      ...change,
      apply: () => {
        change.apply();
        model.changeConfig(draft.config);
        if (addedCount + removedCount === 0) return;
        this.#parts.logger.info(
          `Model '${model.name}' version ${model.version} goes on with ${plan.inits.length} instance(s): ${addedCount} added, ${removedCount} removed`,
        );
      },
    };
  }

  async #loadWithRetries(
    source: ModelSource,
    draft: ModelConfigDraft,
    backend: Backend,
    version: string,
  ): Promise<Model> {
    for (let retriesLeft = this.#parts.retryCount; ; retriesLeft--) {
      try {
        return await this.#loadVersion(source, draft, backend, version);
      } catch (thrown) {
        if (retriesLeft === 0) throw thrown;
        this.#parts.logger.warning(
          `Model '${source.name}' version ${version} failed to load and is tried again, ${retriesLeft} time(s) at most: ${StatusError.from(thrown).message}`,
        );
      }
    }
  }

  /** What the config and the directory say of a model that is not loaded. @throws StatusError as {@link load}. */
  async draft(source: ModelSource): Promise<ModelConfigDraft> {
    const document =
      source.configOverride === null
        ? readModelConfig(source.directory, source.name, this.#parts.configName)
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
    const active = plan.inits.filter(({ instanceName }) => !plan.passive.has(instanceName));
    const seats = takeSeats(draft.config, active, this.#parts);
    const instances: HostedInstance[] = [];
    const signatures = plan.inits.map((init) =>
      this.#starts.run(async () => {
        const instance = this.#startInstance(backend, init);
        instances.push(instance);
        await instance.signature();
        return instance;
      }),
    );
    // They are looked at one after the other: one that fails meanwhile is not forgotten.
    for (const loading of signatures) loading.catch(() => undefined);
    let set: InstanceSet | null = null;
    try {
      const [first] = signatures;
      if (first === undefined) throw new Error("A model without instances. This is a bug.");
      const config = await this.#complete(source, draft, backend, await first);
      const plugin = config.schedulerName === "" ? null : this.#parts.findScheduler(config.schedulerName);
      let statistics = newStatistics(config, this.#parts);
      const spec = batchSpecOf(config, await readInitialStates(source.directory, config));
      const warmup = await prepareWarmup(config, source.directory, backend.checkBytesInput);
      const recipe: InstanceRecipe = { spec, seats, config, warmup };
      set = new InstanceSet({
        backend,
        recipe,
        observer: this.#observe(config, () => statistics),
        startInstance: (of, init) => this.#startInstance(of, init),
        starts: this.#starts,
      });
      for (const [index, loading] of signatures.entries()) {
        const init = plan.inits[index];
        if (init !== undefined) await set.add(await loading, init, plan);
      }
      const { pool } = set;
      const scheduling = {
        plugin,
        warn: (message: string) => this.#parts.logger.warning(message),
      };
      const makeOwn = (of: ModelConfig): Scheduler => makeScheduler(of, pool, this.#parts.clock, scheduling);
      const parts = {
        config,
        version,
        engine: plan.engine,
        isDecoupled: config.isDecoupled,
        pool: leavingSeats(pool, seats, this.#parts),
        clock: this.#parts.clock,
        checkBytesInput: backend.checkBytesInput,
        labels: await readLabels(source.directory, config.output),
        loadDurationSecs: (this.#parts.clock.nowUs() - startUs) / 1e6,
      };
      // What is asked must not be answered from the cache, nor be counted: the scheduler that serves takes the pool over.
      await this.#parts.checkGolden(source.directory, () =>
        Promise.resolve([new Model({ ...parts, statistics, scheduler: makeOwn(config) })]),
      );
      statistics = newStatistics(config, this.#parts);
      const cached = { config, version, statistics };
      const scheduler = withResponseCache(makeOwn, cached, this.#parts);
      const model = new Model({ ...parts, statistics, scheduler });
      const files = source.filesOf(version);
      this.#records.set(model, { key: reloadKey(draft.config), files, backend, instances: set });
      return model;
    } catch (thrown) {
      await Promise.allSettled(signatures);
      // An instance that died after it was bound is being replaced by the pool.
      await set?.pool.terminate();
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
    first: HostedInstance,
  ): Promise<ModelConfig> {
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

  #observe(config: ModelConfig, statistics: () => ModelStatistics): PoolObserver {
    // The statistics that are served come into being after the golden requests.
    let meter: { readonly of: ModelStatistics; readonly padding: PaddingMeter | null } | null = null;
    const paddingOf = (current: ModelStatistics): PaddingMeter | null => {
      if (meter?.of !== current) meter = { of: current, padding: PaddingMeter.of(config, current) };
      return meter.padding;
    };
    return {
      onDispatch: (count: number, batch: readonly InferenceRequest[]) => {
        const current = statistics();
        current.onDispatch(count);
        paddingOf(current)?.onDispatch(batch);
      },
      onExecution: (rows: number, times: BatchTimes) => statistics().onExecution(rows, times),
      onResponse: (index: number, outcome: ResponseOutcome, times: ResponseTimes) =>
        statistics().onResponse(index, outcome, times),
      onCrash: (reason: string, next: string) =>
        this.#parts.logger.error(`Model '${config.name}': ${reason}; ${next}`),
    };
  }

  #startInstance({ executionStyle, instanceModuleUrl }: Backend, init: ModelInstanceInit): HostedInstance {
    if (executionStyle === "batch") return new WorkerModelInstance(instanceModuleUrl, init);
    const { findModel, logger } = this.#parts;
    const log = logger.child(init.modelName);
    return new WorkerRequestInstance(instanceModuleUrl, init, {
      callModel: callerOf((name, version) => findModel(name, version, null)),
      log: (severity, instanceName, message) => {
        const line = `${instanceName}: ${message}`;
        if (severity === "verbose") log.verbose(1, line);
        else log[severity](line);
      },
    });
  }
}

function loadedModel(
  versions: LoadedVersions,
  fresh: readonly Model[],
  changes: readonly InstanceChange[],
): LoadedModel {
  return {
    versions,
    apply: () => {
      for (const change of changes) change.apply();
    },
    discard: async () => {
      await Promise.all([
        ...fresh.map((model) => model.terminate()),
        ...changes.map((change) => change.discard()),
      ]);
    },
  };
}
