import { StatusError } from "../core/status.ts";
import type { Logger } from "../logging/logger.ts";
import type { Model } from "../model/model.ts";
import type { LoadedVersions, ModelLoader } from "../model/model-loader.ts";
import { LoadSlots } from "./load-slots.ts";
import { type ModelEntry, unloadedReason } from "./model-entry.ts";
import { openModelSource } from "./model-source.ts";
import type { OverrideDirectory } from "./override-directory.ts";
import type { FoundModel } from "./repository-scanner.ts";

/** Called when a version has become ready, and when it has stopped being so. */
export interface ModelListener {
  onReady(model: Model): void;
  onUnloading(model: Model): void;
}

/** What a lifecycle is made of. */
export interface ModelLifecycleParts {
  readonly loader: Pick<ModelLoader, "load">;
  readonly listener: ModelListener;
  readonly logger: Logger;
}

/** What to load. */
export interface LoadPlan {
  readonly found: FoundModel;
  /** Text that takes the place of the config file; `null`: none. */
  readonly configOverride: string | null;
  /** The found directory, when a client sent it. A load that succeeds adds a holder for each version. */
  readonly overrideDirectory: OverrideDirectory | null;
}

/** Why a load failed. */
export interface LoadFailure {
  readonly reason: string;
  /** Versions that had begun to load. Empty when it never came to that: the directory or the config is wrong. */
  readonly versions: readonly string[];
}

/** Models that load at the same time: enough to keep the cores busy, few enough to bound the memory peak. */
const concurrentLoadCount = 4;

/**
 * Takes the versions of models through their life: UNKNOWN → LOADING → READY → UNLOADING → UNAVAILABLE.
 *
 * A reload brings the new versions up beside the old ones, switches, and only then drains the old ones; when it
 * fails, the old ones go on serving.
 */
export class ModelLifecycle {
  readonly #parts: ModelLifecycleParts;
  readonly #slots = new LoadSlots(concurrentLoadCount);
  /** Old versions that still drain. */
  readonly #draining = new Set<Promise<void>>();
  readonly #drainingModels = new Set<Model>();
  /** Where models came from that a client sent. */
  readonly #directoryOf = new Map<Model, OverrideDirectory>();

  constructor(parts: ModelLifecycleParts) {
    this.#parts = parts;
  }

  /** Models that have been replaced or unloaded and still answer requests. */
  get drainingModels(): Iterable<Model> {
    return this.#drainingModels;
  }

  /**
   * Loads what the plan says, in place of what is loaded. One call for one entry at a time: the caller sees to that.
   *
   * @returns `null` when the new versions serve; else why they do not, and what served before goes on.
   */
  load(entry: ModelEntry, plan: LoadPlan): Promise<LoadFailure | null> {
    return this.#slots.run(() => this.#load(entry, plan));
  }

  /** Records a failed load. Versions that served before go on serving. */
  fail(entry: ModelEntry, reason: string): void {
    // Polling tries again and again: the log hears of each reason once.
    if (reason !== entry.failureReason) {
      this.#parts.logger.error(`Failed to load model '${entry.name}': ${reason}`);
    }
    entry.failureReason = reason;
    entry.modifiedMs = 0;
    for (const [version, { state }] of entry.versions) {
      if (state === "LOADING") entry.set(version, "UNAVAILABLE", reason, null);
    }
  }

  /**
   * Refuses new requests for the model from now on, and releases its versions once the accepted ones have ended.
   *
   * @param reason - What the versions say of themselves afterwards.
   */
  unload(entry: ModelEntry, reason = unloadedReason): void {
    entry.modifiedMs = 0;
    entry.configOverride = null;
    for (const model of entry.readyModels()) {
      entry.set(model.version, "UNLOADING", "", model);
      this.#parts.listener.onUnloading(model);
      this.#drain(model, () => {
        // A new copy may have taken the version over while this one drained.
        if (entry.versions.get(model.version)?.model === model) {
          entry.set(model.version, "UNAVAILABLE", reason, null);
        }
      });
    }
  }

  /** Resolves when everything that was replaced or unloaded until now is released. */
  async drained(): Promise<void> {
    await Promise.all(this.#draining);
  }

  /** Removes the files that clients sent, whoever uses them: for the end of the exit timeout. */
  async removeOverrides(): Promise<void> {
    await Promise.all([...this.#directoryOf.values()].map((directory) => directory.remove()));
  }

  async #load(entry: ModelEntry, plan: LoadPlan): Promise<LoadFailure | null> {
    const { found, configOverride } = plan;
    const begun: string[] = [];
    let loaded: LoadedVersions;
    try {
      const source = await openModelSource(found, configOverride, this.#parts.logger, (version) => {
        begun.push(version);
        // A version that serves goes on doing so while its new copy loads.
        if (entry.versions.get(version)?.state !== "READY") entry.set(version, "LOADING", "", null);
      });
      loaded = await this.#parts.loader.load(source);
    } catch (thrown) {
      return { reason: StatusError.from(thrown).message, versions: begun };
    }
    this.#switch(entry, plan, loaded);
    return null;
  }

  /** Makes the new versions serve and the old ones drain, in one turn: no request finds the model missing. */
  #switch(entry: ModelEntry, plan: LoadPlan, loaded: LoadedVersions): void {
    entry.failureReason = "";
    entry.modifiedMs = plan.found.modifiedMs;
    entry.configOverride = plan.configOverride;
    entry.plan = plan;
    entry.isParked = false;
    entry.stepModels = stepModelsOf(loaded);
    const replaced = entry.readyModels();
    for (const version of entry.versions.keys()) {
      if (!loaded.has(version)) entry.set(version, "UNAVAILABLE", unloadedReason, null);
    }
    for (const model of replaced) this.#parts.listener.onUnloading(model);
    for (const [version, model] of loaded) {
      if (plan.overrideDirectory !== null) {
        plan.overrideDirectory.hold();
        this.#directoryOf.set(model, plan.overrideDirectory);
      }
      entry.set(version, "READY", "", model);
      this.#parts.listener.onReady(model);
      this.#parts.logger.info(`Model '${entry.name}' version ${version} is ready`);
    }
    for (const model of replaced) this.#drain(model);
  }

  #drain(model: Model, onDone?: () => void): void {
    this.#drainingModels.add(model);
    const draining = this.#release(model).finally(() => {
      this.#drainingModels.delete(model);
      this.#draining.delete(draining);
      onDone?.();
    });
    this.#draining.add(draining);
  }

  async #release(model: Model): Promise<void> {
    try {
      await model.unload();
      await this.#directoryOf.get(model)?.release();
    } catch (thrown) {
      this.#parts.logger.error(
        `Unloading '${model.name}' version ${model.version}: ${StatusError.from(thrown).message}`,
      );
    } finally {
      this.#directoryOf.delete(model);
    }
  }
}

/** The models that an ensemble is made of, each once; empty for other models. */
function stepModelsOf(loaded: LoadedVersions): readonly string[] {
  const names = new Set<string>();
  for (const { config } of loaded.values()) {
    for (const step of config.ensembleScheduling?.steps ?? []) names.add(step.modelName);
  }
  return [...names];
}
