import { allBackends } from "../../backends/backend-registry.ts";
import { systemClock } from "../core/clock.ts";
import { type Failure, failure, StatusError } from "../core/status.ts";
import { ExtensionRegistry } from "../extensions/extension-registry.ts";
import { addExtensions } from "../extensions/load-extensions.ts";
import { checkGoldenRequests } from "../golden/golden-check.ts";
import { Logger } from "../logging/logger.ts";
import { LogSettings } from "../logging/log-settings.ts";
import { defaultMetricsConfig } from "../metrics/metrics-config.ts";
import type { ModelConfigDraft } from "../model-config/complete-config.ts";
import type { ModelConfigFields } from "../model-config/model-config.gen.ts";
import { CoreBudget } from "../model/core-budget.ts";
import type { Model } from "../model/model.ts";
import { ModelLoader } from "../model/model-loader.ts";
import type { ModelSource } from "../model/model-source.ts";
import { settingsForBackend } from "../options/backend-config.ts";
import type { OptionField } from "../options/option-table.ts";
import type { ServerOptions } from "../options/server-options.ts";
import { RateLimiter } from "../rate-limiter/rate-limiter.ts";
import { ModelEntry } from "../repository/model-entry.ts";
import { openModelSource } from "../repository/model-source.ts";
import type { FoundModel } from "../repository/scan/find-models.ts";

/** The options that decide how a model is loaded. */
export type LoadOptions = Pick<
  ServerOptions,
  "autoCompleteConfig" | "backendConfig" | "backendDirectoryPath" | "rateLimit" | "rateLimitResources"
>;

/** The server's options that say so, for the commands that load models. */
export const loadOptionFields = [
  "modelRepositoryPaths",
  "autoCompleteConfig",
  "backendDirectoryPath",
  "backendConfig",
  "rateLimit",
  "rateLimitResources",
] as const satisfies readonly OptionField[];

/** A model that was loaded and has ended again. */
export interface OfflineModel {
  readonly source: ModelSource;
  /** What its author and the model itself say of the config, without defaults. */
  readonly completed: ModelConfigFields;
  /** By version; they run nothing any more. */
  readonly versions: ReadonlyMap<string, Model>;
}

/**
 * Loads models as the server does, and ends them at once: what they say of themselves stays, for the ensembles after
 * them.
 */
export class OfflineLoader {
  readonly coreBudget = new CoreBudget();
  readonly loader: ModelLoader;
  readonly #loaded = new Map<string, ReadonlyMap<string, Model>>();
  readonly #logger: Logger;
  readonly #knownNames: ReadonlySet<string>;
  #warnings: string[] = [];

  /**
   * @param knownNames - Of all models of the repositories, for messages about those that did not load.
   * @throws StatusError when a backend of the backend directory cannot be used.
   */
  static async open(options: LoadOptions, knownNames: ReadonlySet<string>): Promise<OfflineLoader> {
    const extensions = new ExtensionRegistry(allBackends());
    await addExtensions(options, extensions);
    return new OfflineLoader(options, knownNames, extensions);
  }

  private constructor(options: LoadOptions, knownNames: ReadonlySet<string>, extensions: ExtensionRegistry) {
    this.#knownNames = knownNames;
    this.#logger = Logger.create({
      component: "",
      // Only what the author of a model should know of; errors come as errors.
      settings: new LogSettings({ info: false, error: false, escapeMessages: false }),
      destination: {
        write: (line) => this.#warnings.push(line.slice(line.indexOf("] ") + 2).trimEnd()),
        flush: () => undefined,
      },
    });
    this.loader = new ModelLoader({
      backends: extensions.backends,
      findScheduler: (name) => extensions.scheduler(name),
      backendSettings: (backend) => settingsForBackend(options.backendConfig, backend),
      isAutoCompleteEnabled: options.autoCompleteConfig,
      coreBudget: this.coreBudget,
      // Nothing is answered here, so there is nothing to keep.
      responseCache: null,
      rateLimiter:
        options.rateLimit === "off" ? null : new RateLimiter(options.rateLimitResources, systemClock),
      clock: systemClock,
      logger: this.#logger,
      // Nothing is counted here. Whether the server will have histograms is not known, so nobody is warned of buckets.
      metricsConfig: { ...defaultMetricsConfig, histogramLatencies: true },
      findModel: (name, version) => this.#find(name, version),
      configName: null,
      checkGolden: (directory, makeProbes) => checkGoldenRequests(directory, makeProbes, systemClock),
      retryCount: 0,
    });
  }

  /**
   * Loads the versions of a model that its policy selects.
   *
   * @throws StatusError as the server's loader.
   */
  async load(found: FoundModel): Promise<OfflineModel> {
    let completed: ModelConfigFields = {};
    const onCompleted = (fields: ModelConfigFields): void => {
      completed = fields;
    };
    const source = { ...(await this.#open(found)), onCompleted };
    const { versions } = await this.loader.load(source);
    try {
      await Promise.all([...versions.values()].map((model) => model.unload()));
    } catch (thrown) {
      throw new StatusError("INTERNAL", `ending the model failed: ${StatusError.from(thrown).message}`);
    }
    this.#loaded.set(found.name, versions);
    return { source, completed, versions };
  }

  #open(found: FoundModel): Promise<ModelSource> {
    const plan = { found, configOverride: null, overrideDirectory: null };
    return openModelSource(plan, new ModelEntry(found.name, ""), this.#logger, () => undefined);
  }

  /** What can be said of a model without loading it. @throws StatusError as {@link load}. */
  async look(found: FoundModel): Promise<{ readonly source: ModelSource; readonly draft: ModelConfigDraft }> {
    const source = await this.#open(found);
    return { source, draft: await this.loader.draft(source) };
  }

  /** The warnings since the last call, a sentence each. */
  takeWarnings(): readonly string[] {
    const warnings = this.#warnings;
    this.#warnings = [];
    // A second version, or a look into the directory again, has the same to say.
    return [...new Set(warnings)];
  }

  #find(name: string, version: string): Model | Failure {
    const versions = this.#loaded.get(name);
    if (versions === undefined) {
      const isKnown = this.#knownNames.has(name);
      const reason = isKnown ? "it has problems of its own" : "no repository has a model of this name";
      return failure("NOT_FOUND", reason);
    }
    const newest = Math.max(...[...versions.keys()].map(Number));
    const key = version === "" ? String(newest) : String(Number(version));
    return (
      versions.get(key) ??
      failure("NOT_FOUND", `the versions that are served are ${[...versions.keys()].join(", ")}`)
    );
  }
}
