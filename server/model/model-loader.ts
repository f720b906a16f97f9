import { readdir } from "node:fs/promises";
import path from "node:path";
import { type Failure, StatusError } from "../core/status.ts";
import { draftModelConfig, type ModelConfigDraft } from "../model-config/complete-config.ts";
import type { ModelConfig } from "../model-config/model-config.ts";
import { parseModelConfig, readModelConfig } from "../model-config/read-config.ts";
import { loadEnsemble } from "./ensemble-loader.ts";
import type { InstancePlan } from "./instance-plan.ts";
import { InstancePlanner } from "./instance-planner.ts";
import type { InstanceChange, InstanceSet } from "./instance-set.ts";
import { LoadSlots } from "./load-slots.ts";
import { type LoadedModel, loadedModel } from "./loaded-model.ts";
import type { Model } from "./model.ts";
import type { ModelLoaderParts } from "./model-loader-parts.ts";
import type { ModelSource } from "./model-source.ts";
import { warnOfUnusedBuckets } from "./new-statistics.ts";
import { reloadKey } from "./reload-key.ts";
import { VersionLoader } from "./version-loader.ts";

/** What a version was loaded from. */
interface LoadRecord {
  /** Its config, without what may change while it serves. */
  readonly key: string;
  readonly files: string | null;
  readonly instances: InstanceSet;
}

/** Instances of one model load side by side at start even on one core: the disk has its share in it. */
const minInstanceStarts = 2;

/** Loads models: drafts their config, says which versions stay as they are, and brings up the others together. */
export class ModelLoader {
  readonly #parts: ModelLoaderParts;

  /** Bounds how many instances load at the same time. */
  readonly #starts: LoadSlots;
  readonly #planner: InstancePlanner;
  readonly #versions: VersionLoader;
  readonly #records = new WeakMap<Model, LoadRecord>();

  constructor(parts: ModelLoaderParts) {
    this.#parts = parts;
    this.#starts = new LoadSlots(Math.max(minInstanceStarts, parts.coreBudget.coreCount));
    this.#planner = new InstancePlanner(parts);
    this.#versions = new VersionLoader(parts, this.#planner, this.#starts);
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
    await source.onConfig(draft.config);
    const selected = source.selectVersions(draft.config).map(String);
    const staying = new Map(
      [...source.serving].filter(
        ([version, model]) => selected.includes(version) && this.#mayStay(model, source, draft),
      ),
    );
    const fresh = selected.filter((version) => !staying.has(version));
    for (const version of fresh) source.onLoading(version);
    const loads = fresh.map((version) => this.#loadVersion(source, draft, version));
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

  async #loadVersion(source: ModelSource, draft: ModelConfigDraft, version: string): Promise<Model> {
    const { model, instances } = await this.#versions.load(source, draft, version);
    const files = source.filesOf(version);
    this.#records.set(model, { key: reloadKey(draft.config), files, instances });
    return model;
  }

  /** The instances that a version gets. @param config - At least a draft's. @throws StatusError as {@link load}. */
  plan(source: ModelSource, config: ModelConfig, version: string): InstancePlan {
    return this.#planner.plan(source, config, version);
  }
}
