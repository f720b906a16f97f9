import type { Clock } from "../core/clock.ts";
import { StatusError } from "../core/status.ts";
import type { Logger } from "../logging/logger.ts";
import type { Model } from "../model/model.ts";
import { LoadSlots } from "../model/load-slots.ts";
import type { LoadedModel } from "../model/loaded-model.ts";
import type { ModelLoader } from "../model/model-loader.ts";
import { type ModelEntry, unloadedReason } from "./model-entry.ts";
import { openModelSource } from "./model-source.ts";
import type { OverrideDirectory } from "./override-directory.ts";
import type { RepositoryScanner } from "./repository-scanner.ts";
import type { FoundModel } from "./scan/find-models.ts";

/** Called when a version has become ready, when it has stopped being so, and when its memory is free again. */
export interface ModelListener {
  /** @param namespace - Path of its repository with `--model-namespacing`, else "". */
  onReady(model: Model, namespace: string): void;
  onUnloading(model: Model): void;
  /** Something that was loaded is gone: a version that was replaced or unloaded, or a copy that never came to serve. */
  onReleased(): void;
}

/** What a lifecycle is made of. */
export interface ModelLifecycleParts {
  readonly loader: Pick<ModelLoader, "load">;
  readonly listener: ModelListener;
  readonly logger: Logger;
  readonly clock: Clock;
  readonly scanner: Pick<RepositoryScanner, "look">;
  /** Models that load at the same time. At least 1. */
  readonly loadThreadCount: number;
  /** How long a directory that changed while its model was loaded must be left alone before it is loaded again, ms. */
  readonly settleMs: number;
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
  /** The directory changed while it was loaded: nothing can be said of the model yet. */
  readonly hasChanged: boolean;
}

/** A directory that changes during each of so many loads is not tried again before something asks for it. */
const maxLoadsOfChanging = 3;

/**
 * Takes the versions of models through their life: UNKNOWN → LOADING → READY → UNLOADING → UNAVAILABLE.
 *
 * A reload brings the new versions up beside the old ones, switches, and only then drains the old ones; when it
 * fails, the old ones go on serving.
 */
export class ModelLifecycle {
  readonly #parts: ModelLifecycleParts;
  readonly #slots: LoadSlots;
  /** Old versions that still drain. */
  readonly #draining = new Set<Promise<void>>();
  readonly #drainingModels = new Set<Model>();
  /** Where models came from that a client sent. */
  readonly #directoryOf = new Map<Model, OverrideDirectory>();

  constructor(parts: ModelLifecycleParts) {
    this.#parts = parts;
    this.#slots = new LoadSlots(parts.loadThreadCount);
  }

  /** Models that have been replaced or unloaded and still answer requests. */
  get drainingModels(): Iterable<Model> {
    return this.#drainingModels;
  }

  /**
   * Loads what the plan says, in place of what is loaded. One call for one entry at a time: the caller sees to that.
   * A directory that changes while it is loaded may have been seen half-written: it is loaded again.
   *
   * @returns `null` when the new versions serve; else why they do not, and what served before goes on.
   */
  load(entry: ModelEntry, plan: LoadPlan): Promise<LoadFailure | null> {
    return this.#slots.run(async () => {
      let current = plan;
      for (let loadsLeft = maxLoadsOfChanging; ; loadsLeft--) {
        const failed = await this.#load(entry, current);
        if (failed?.hasChanged !== true || loadsLeft === 1) return failed;
        await this.#pause();
        const found = await this.#parts.scanner.look(current.found).catch(() => null);
        if (found === null) return failed;
        current = { ...current, found };
      }
    });
  }

  /** Records a failed load. Versions that served before go on serving. */
  fail(entry: ModelEntry, reason: string): void {
    // Polling tries again and again: the log hears of each reason once.
    if (reason !== entry.failureReason) {
      this.#parts.logger.error(`Failed to load model '${entry.name}': ${reason}`);
    }
    entry.failureReason = reason;
    entry.fingerprint = null;
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
    entry.fingerprint = null;
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
    let loaded: LoadedModel | null = null;
    let reason = "";
    try {
      const source = await openModelSource(plan, entry, this.#parts.logger, (version) => {
        begun.push(version);
        // A version that serves goes on doing so while its new copy loads.
        if (entry.versions.get(version)?.state !== "READY") entry.set(version, "LOADING", "", null);
      });
      loaded = await this.#parts.loader.load(source);
    } catch (thrown) {
      reason = StatusError.from(thrown).message;
      if (begun.length > 0) this.#parts.listener.onReleased();
    }
    if (plan.overrideDirectory === null && (await this.#hasChanged(found))) {
      if (loaded !== null) {
        await loaded.discard();
        this.#parts.listener.onReleased();
      }
      const text = `'${found.directory}' changed while the model was loaded from it`;
      return { reason: reason === "" ? text : `${text}: ${reason}`, versions: begun, hasChanged: true };
    }
    if (loaded === null) return { reason, versions: begun, hasChanged: false };
    this.#switch(entry, { ...plan, configOverride }, loaded);
    return null;
  }

  /** Whether the directory differs from what the load was to read. One that cannot be looked at counts as the same. */
  async #hasChanged(found: FoundModel): Promise<boolean> {
    try {
      const now = await this.#parts.scanner.look(found);
      return now?.fingerprint.whole !== found.fingerprint.whole;
    } catch {
      return false;
    }
  }

  #pause(): Promise<void> {
    const { clock, settleMs } = this.#parts;
    return new Promise((resolve) => clock.at(clock.nowUs() + settleMs * 1_000, resolve));
  }

  /** Makes the new versions serve and the old ones drain, in one turn: no request finds the model missing. */
  #switch(entry: ModelEntry, plan: LoadPlan, loaded: LoadedModel): void {
    entry.failureReason = "";
    entry.fingerprint = plan.overrideDirectory === null ? plan.found.fingerprint : null;
    entry.configOverride = plan.configOverride;
    entry.plan = plan;
    entry.isParked = false;
    entry.stepModels = stepModelsOf(loaded.versions.values());
    loaded.apply();
    const staying = new Set(loaded.versions.values());
    const before = entry.readyModels();
    const replaced = before.filter((model) => !staying.has(model));
    for (const version of entry.versions.keys()) {
      if (!loaded.versions.has(version)) entry.set(version, "UNAVAILABLE", unloadedReason, null);
    }
    for (const model of replaced) this.#parts.listener.onUnloading(model);
    for (const [version, model] of loaded.versions) {
      if (before.includes(model)) continue;
      if (plan.overrideDirectory !== null) {
        plan.overrideDirectory.hold();
        this.#directoryOf.set(model, plan.overrideDirectory);
      }
      entry.set(version, "READY", "", model);
      this.#parts.listener.onReady(model, entry.namespace);
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
      this.#parts.listener.onReleased();
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
function stepModelsOf(models: Iterable<Model>): readonly string[] {
  const names = new Set<string>();
  for (const { config } of models) {
    for (const step of config.ensembleScheduling?.steps ?? []) names.add(step.modelName);
  }
  return [...names];
}
