import { setTimeout as delay } from "node:timers/promises";
import { allBackends } from "../backends/backend-registry.ts";
import { makeResponseCache } from "./cache/make-response-cache.ts";
import type { Backend } from "../backends/backend.ts";
import type { SchedulerPlugin } from "../schedulers/scheduler-plugin.ts";
import { type Clock, systemClock } from "./core/clock.ts";
import { type Failure, failure, type Status, StatusError } from "./core/status.ts";
import { type DataPlane, isFailure, type ModelMetadata, type ServerMetadata } from "./data-plane.ts";
import { ExtensionRegistry } from "./extensions/extension-registry.ts";
import { addExtensions } from "./extensions/load-extensions.ts";
import { checkGoldenRequests } from "./golden/golden-check.ts";
import { changeLogSetting, type LogSettingsReport, reportLogSettings } from "./logging/log-setting.ts";
import type { Logger } from "./logging/logger.ts";
import { MetricsRegistry } from "./metrics/metrics-registry.ts";
import { CoreBudget } from "./model/core-budget.ts";
import type { Model } from "./model/model.ts";
import { ModelLoader } from "./model/model-loader.ts";
import type { ModelTensor } from "./model/served-model.ts";
import { settingsForBackend } from "./options/backend-config.ts";
import type { ServerOptions } from "./options/server-options.ts";
import { RateLimiter } from "./rate-limiter/rate-limiter.ts";
import { NativeMemoryTrimmer } from "./native-memory/native-memory-trimmer.ts";
import { TrimThread } from "./native-memory/trim-thread.ts";
import { isCloudAddress } from "./repository/cloud/cloud-address.ts";
import { MirroredScanner } from "./repository/cloud/mirrored-scanner.ts";
import { MirrorThread } from "./repository/cloud/mirror-thread.ts";
import { StepReader } from "./repository/ensemble-dependencies.ts";
import type { ModelScanner } from "./repository/model-scanner.ts";
import { RepositoryPoller } from "./repository/repository-poller.ts";
import type { ModelLoadRequest } from "./repository/model-load-request.ts";
import { ModelRepositoryManager } from "./repository/model-repository-manager.ts";
import type { ModelIndexRow } from "./repository/repository-index.ts";
import { RepositoryScanner } from "./repository/repository-scanner.ts";
import { SharedMemoryManager } from "./shared-memory/shared-memory-manager.ts";
import { serverVersion } from "./server-version.ts";
import { reportStatistics, type StatisticsReport } from "./statistics/statistics-report.ts";
import type { SentTraceSetting } from "./tracing/trace-change.ts";
import type { TraceSettingsReport } from "./tracing/trace-settings.ts";
import { Tracer } from "./tracing/tracer.ts";

/** The protocol extensions that work. Clients decide by this list what they try. */
const extensions: readonly string[] = [
  "classification",
  "sequence",
  "model_repository",
  "model_repository(unload_dependents)",
  "schedule_policy",
  "model_configuration",
  "system_shared_memory",
  "cuda_shared_memory",
  "binary_tensor_data",
  "parameters",
  "statistics",
  "trace",
  "logging",
];

const notExplicit = failure(
  "UNAVAILABLE",
  "explicit model load / unload is not allowed if polling is enabled: it needs --model-control-mode=explicit",
);

/** How long instances get to end after the exit timeout: enough for those that are not inside their runtime. */
const endingMs = 500;

/** How often a server that stops looks whether its last requests have ended. */
const idleCheckMs = 5;

/**
 * How long a directory that has changed must be left alone before its model is loaded: a little less than the poller
 * waits before it looks again.
 */
const settleMs = 450;

/** How far the server is. */
type ServerState = "INITIALIZING" | "READY" | "FAILED_TO_INITIALIZE" | "EXITING";

/** What of the options concerns the server itself, not its front ends. */
export type InferenceServerOptions = Pick<
  ServerOptions,
  | "serverId"
  | "allowClientShm"
  | "modelRepositoryPaths"
  | "cloudSettings"
  | "modelControlMode"
  | "repositoryPollSecs"
  | "modelLoadThreadCount"
  | "modelLoadRetryCount"
  | "modelConfigName"
  | "modelNamespacing"
  | "loadModelNames"
  | "strictReadiness"
  | "autoCompleteConfig"
  | "backendConfig"
  | "cacheConfig"
  | "backendDirectoryPath"
  | "traceConfig"
  | "rateLimit"
  | "rateLimitResources"
  | "metricsConfig"
>;

/** What a program that embeds the server may add to it. */
export interface ServerExtension {
  readonly backends?: readonly Backend[];
  readonly schedulers?: readonly SchedulerPlugin[];
}

/**
 * The server without any listener: models, and the operations on them. Front ends translate to it; a Node program
 * may use it directly (see docs/embedding.md).
 *
 * Life: {@link start} → operations → {@link stop}.
 */
export class InferenceServer implements DataPlane {
  readonly metrics: MetricsRegistry;
  readonly tracer: Tracer;
  readonly sharedMemory: SharedMemoryManager;
  readonly #options: InferenceServerOptions;
  readonly #extensions = new ExtensionRegistry(allBackends());
  readonly #logger: Logger;
  readonly #scanner: ModelScanner;
  /** Copies of the repositories in the cloud; `null`: there are none. */
  readonly #mirrors: MirrorThread | null;
  readonly #loader: ModelLoader;
  readonly #repository: ModelRepositoryManager;
  readonly #poller: RepositoryPoller | null;
  readonly #trimmer: NativeMemoryTrimmer;
  readonly #seriesOf = new Map<Model, () => void>();
  #state: ServerState = "INITIALIZING";
  #isStuck = false;
  #isBudgetSpent = false;

  constructor(options: InferenceServerOptions, logger: Logger, clock: Clock = systemClock) {
    this.#options = options;
    this.#logger = logger;
    this.metrics = new MetricsRegistry(options.metricsConfig);
    this.tracer = new Tracer({ config: options.traceConfig, logger: logger.child("tracer"), clock });
    this.sharedMemory = new SharedMemoryManager((failed) => logger.error(failed.message));
    const responseCache = makeResponseCache(options.cacheConfig, () => clock.nowUs());
    if (responseCache !== null) this.metrics.registerCache(responseCache);
    this.#trimmer = new NativeMemoryTrimmer(clock, new TrimThread());
    const configName = options.modelConfigName === "" ? null : options.modelConfigName;
    const repositories = options.modelRepositoryPaths;
    const addresses = [...new Set(repositories.filter(isCloudAddress))];
    this.#mirrors =
      addresses.length === 0
        ? null
        : new MirrorThread(addresses, options.cloudSettings, ({ severity, sentence }) =>
            logger[severity](sentence),
          );
    this.#scanner =
      this.#mirrors === null
        ? new RepositoryScanner(repositories)
        : new MirroredScanner(repositories, this.#mirrors, new StepReader(configName));
    this.#loader = new ModelLoader({
      backends: this.#extensions.backends,
      findScheduler: (name) => this.#extensions.scheduler(name),
      backendSettings: (backend) => settingsForBackend(options.backendConfig, backend),
      isAutoCompleteEnabled: options.autoCompleteConfig,
      coreBudget: new CoreBudget(),
      responseCache,
      rateLimiter: options.rateLimit === "off" ? null : new RateLimiter(options.rateLimitResources, clock),
      clock,
      logger: logger.child("model-loader"),
      metricsConfig: options.metricsConfig,
      findModel: (name, version, namespace) => this.#repository.find(name, version, namespace),
      configName,
      retryCount: options.modelLoadRetryCount,
      checkGolden: (directory, makeProbes) => checkGoldenRequests(directory, makeProbes, clock),
    });
    this.#repository = new ModelRepositoryManager({
      scanner: this.#scanner,
      isNamespacing: options.modelNamespacing,
      configName,
      loader: this.#loader,
      listener: {
        onReady: (model, namespace) => this.#showSeries(model, namespace),
        onUnloading: (model) => this.#hideSeries(model),
        onReleased: () => this.#trimmer.onRelease(),
      },
      logger: logger.child("model-repository"),
      clock,
      loadThreadCount: options.modelLoadThreadCount,
      settleMs,
    });
    this.#poller =
      options.modelControlMode === "poll"
        ? new RepositoryPoller({
            intervalSecs: options.repositoryPollSecs,
            poll: () => this.#repository.poll(),
          })
        : null;
  }

  /**
   * Loads the models that the control mode asks for.
   *
   * @returns Whether all of them are ready. The server serves the others in either case.
   * @throws StatusError when the server cannot be initialised (a repository that cannot be read); it then still
   * answers health and metadata requests.
   */
  async start(): Promise<boolean> {
    try {
      await addExtensions(this.#options, this.#extensions);
      await this.metrics.initialize();
      if (this.#options.allowClientShm) {
        const obstacle = await this.sharedMemory.enable();
        if (obstacle !== null) this.#logger.warning(obstacle.message);
      }
      if (this.isExiting()) return false;
      const isComplete = await this.#repository.loadAtStart(this.#modelsAtStart(), this.#poller !== null);
      await this.tracer.open();
      this.#endInitialization("READY");
      return isComplete;
    } catch (thrown) {
      this.#endInitialization("FAILED_TO_INITIALIZE");
      throw thrown;
    }
  }

  /**
   * Adds a backend or scheduler of the program that embeds the server. Call it before {@link start}.
   *
   * @throws StatusError ALREADY_EXISTS for a name that is taken.
   */
  register({ backends = [], schedulers = [] }: ServerExtension): void {
    for (const backend of backends) this.#extensions.addBackend(backend);
    for (const scheduler of schedulers) this.#extensions.addScheduler(scheduler);
  }

  /** The backends that models may name. */
  get backends(): readonly Backend[] {
    return this.#extensions.backends;
  }

  /** A server that was told to stop while it loaded goes on stopping. */
  #endInitialization(state: "READY" | "FAILED_TO_INITIALIZE"): void {
    if (this.#state !== "INITIALIZING") return;
    this.#state = state;
    if (state !== "READY") return;
    this.#loader.yieldCores();
    const { modelControlMode } = this.#options;
    if (modelControlMode === "none") return;
    const poller = this.#poller;
    poller?.start();
    this.#scanner.useThread(poller === null ? null : () => poller.onChange());
  }

  /**
   * Refuses new requests, lets the accepted ones end, unloads all models and writes the traces that are left.
   *
   * @param budgetMs - After that long everything still running is ended.
   * @returns Whether everything ended within the budget.
   */
  async stop(budgetMs: number): Promise<boolean> {
    const startMs = performance.now();
    this.#state = "EXITING";
    this.#poller?.stop();
    this.#trimmer.close();
    void this.#mirrors?.interrupt();
    let timer: NodeJS.Timeout | undefined;
    const timeout = new Promise<false>((resolve) => (timer = setTimeout(() => resolve(false), budgetMs)));
    const unloaded = this.#unloadWhenIdle().then(() => true as const);
    const isClean = await Promise.race([unloaded, timeout]);
    clearTimeout(timer);
    if (!isClean) {
      this.#isBudgetSpent = true;
      this.#logger.error(`Exit timeout expired with ${this.#repository.inflightCount()} requests in flight`);
      const ended = this.#repository.terminateAll().then(() => false);
      this.#isStuck = await Promise.race([ended, delay(endingMs, true)]);
    }
    // Files are written in a moment, whatever is left of the budget.
    await this.tracer.close(Math.max(budgetMs - (performance.now() - startMs), endingMs));
    this.sharedMemory.close();
    this.#scanner.close();
    await this.#mirrors?.close();
    return isClean;
  }

  /** Models stay until no request is left: one that executes may be about to call another model. */
  async #unloadWhenIdle(): Promise<void> {
    while (this.#repository.inflightCount() > 0 && !this.#isBudgetSpent) await delay(idleCheckMs);
    await this.#repository.unloadAll();
  }

  /**
   * After {@link stop} has returned false: an instance is still inside its runtime, and ends when that returns.
   * Until then its worker thread keeps the process alive.
   */
  get isStuck(): boolean {
    return this.#isStuck;
  }

  isLive(): boolean {
    return this.#state === "READY" || this.#state === "EXITING";
  }

  isReady(): boolean {
    return this.#state === "READY" && (!this.#options.strictReadiness || this.#repository.areAllReady());
  }

  isExiting(): boolean {
    return this.#state === "EXITING";
  }

  serverMetadata(): ServerMetadata {
    const working = extensions.filter((extension) => {
      if (extension === "system_shared_memory") return this.sharedMemory.canRegister("system");
      return extension !== "cuda_shared_memory" || this.sharedMemory.canRegister("cuda");
    });
    return { name: this.#options.serverId, version: serverVersion, extensions: working };
  }

  findModel(name: string, version: string): Model | Failure {
    return this.#state === "READY" ? this.#repository.find(name, version) : this.#notServing();
  }

  modelReady(name: string, version: string): boolean | Failure {
    const model = this.findModel(name, version);
    return isFailure(model) ? model : !model.isBroken;
  }

  modelMetadata(name: string, version: string): ModelMetadata | Failure {
    const model = this.findModel(name, version);
    if (isFailure(model)) return model;
    const versions = version === "" ? this.#repository.readyVersions(name) : [model];
    return {
      name: model.name,
      versions: versions.map((ready) => ready.version),
      platform: model.platform,
      inputs: model.inputs.map(tensorMetadata),
      outputs: model.outputs.map(tensorMetadata),
    };
  }

  modelStatistics(name: string, version: string): readonly StatisticsReport[] | Failure {
    if (this.#state !== "READY") return this.#notServing();
    if (name === "") return this.#repository.allReadyVersions().map(reportStatistics);
    const ambiguous = this.#repository.find(name, "");
    if (isFailure(ambiguous) && ambiguous.code === "INVALID_ARG") return ambiguous;
    const ready = this.#repository.readyVersions(name);
    // "007" names version 7, as in look-ups.
    const asked = version === "" ? ready : ready.filter((model) => model.version === String(Number(version)));
    if (asked.length > 0) return asked.map(reportStatistics);
    const what = version === "" ? "no ready version" : `no ready version ${version}`;
    return failure("INVALID_ARG", `Statistics are not available: model '${name}' has ${what}`);
  }

  logSettings(): LogSettingsReport {
    return reportLogSettings(this.#logger.settings);
  }

  changeLogSetting(name: string, value: unknown): Status {
    return changeLogSetting(this.#logger.settings, name, value);
  }

  traceSettings(modelName: string): TraceSettingsReport | Failure {
    return this.#tracedModelRefusal(modelName) ?? this.tracer.settings(modelName);
  }

  changeTraceSettings(
    modelName: string,
    settings: readonly SentTraceSetting[],
  ): TraceSettingsReport | Failure {
    return this.#tracedModelRefusal(modelName) ?? this.tracer.changeSettings(modelName, settings);
  }

  /** Why there are no trace settings of a model; `null` when there are, as for "", all models. */
  #tracedModelRefusal(modelName: string): Status {
    if (modelName === "") return null;
    const model = this.findModel(modelName, "");
    return isFailure(model) ? model : null;
  }

  /** Every known model and version with its state. */
  modelIndex(): ModelIndexRow[] {
    return this.#repository.index();
  }

  async repositoryIndex(onlyReady: boolean): Promise<readonly ModelIndexRow[] | Failure> {
    if (this.#state !== "READY") return this.#notServing();
    try {
      return await this.#repository.repositoryIndex(onlyReady);
    } catch (thrown) {
      return StatusError.from(thrown).toFailure();
    }
  }

  loadModel(request: ModelLoadRequest): Promise<Status> {
    const refusal = this.#controlRefusal();
    return refusal === null ? this.#repository.load(request) : Promise.resolve(refusal);
  }

  async unloadModel(name: string, withDependents = false): Promise<Status> {
    const refusal = this.#controlRefusal();
    return refusal ?? (await this.#repository.unload(name, withDependents));
  }

  /** Why models cannot be loaded or unloaded on request; `null` when they can. */
  #controlRefusal(): Status {
    if (this.#state !== "READY") return this.#notServing();
    return this.#options.modelControlMode === "explicit" ? null : notExplicit;
  }

  #modelsAtStart(): readonly string[] | null {
    const { modelControlMode, loadModelNames } = this.#options;
    return modelControlMode === "explicit" && !loadModelNames.includes("*") ? loadModelNames : null;
  }

  #notServing(): Failure {
    return {
      code: "UNAVAILABLE",
      message: this.#state === "EXITING" ? "Server is shutting down" : "Server not ready",
    };
  }

  #showSeries(model: Model, namespace: string): void {
    const hide = this.metrics.registerModel({
      name: model.name,
      version: model.version,
      namespace: this.#options.modelNamespacing ? namespace : null,
      tags: Object.fromEntries(model.config.metricTags),
      statistics: model.statistics,
      loadDurationSecs: model.loadDurationSecs,
    });
    this.#seriesOf.set(model, hide);
  }

  #hideSeries(model: Model): void {
    this.#seriesOf.get(model)?.();
    this.#seriesOf.delete(model);
  }
}

function tensorMetadata({ name, datatype, shape }: ModelTensor): ModelMetadata["inputs"][number] {
  return { name, datatype, shape };
}
