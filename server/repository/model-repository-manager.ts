import { type Failure, failure, StatusError } from "../core/status.ts";
import type { Logger } from "../logging/logger.ts";
import type { Model } from "../model/model.ts";
import type { LoadedVersions, ModelLoader } from "../model/model-loader.ts";
import { ModelEntry, unloadedReason, type VersionState } from "./model-entry.ts";
import { openModelSource } from "./model-source.ts";
import { type FoundModel, scanRepositories } from "./repository-scanner.ts";

/** One row of the repository index. */
export interface ModelIndexRow {
  readonly name: string;
  /** "" for a model of which no version is known. */
  readonly version: string;
  readonly state: VersionState | "";
  readonly reason: string;
}

/** Called when a version has become ready, and when it has stopped being so. */
export interface ModelListener {
  onReady(model: Model): void;
  onUnloading(model: Model): void;
}

/** What the manager is made of. */
export interface RepositoryManagerParts {
  readonly repositories: readonly string[];
  readonly loader: Pick<ModelLoader, "load">;
  readonly listener: ModelListener;
  readonly logger: Logger;
}

/** Models that load at the same time: enough to keep the cores busy, few enough to bound the memory peak. */
const concurrentLoadCount = 4;

const duplicateReason = "model appears in two or more repositories";

/**
 * Knows every model of the repositories and takes its versions through their life:
 * UNKNOWN → LOADING → READY → UNLOADING → UNAVAILABLE.
 *
 * A reload brings the new versions up beside the old ones, switches, and only then drains the old ones; when it
 * fails, the old ones go on serving.
 */
export class ModelRepositoryManager {
  readonly #parts: RepositoryManagerParts;
  readonly #entries = new Map<string, ModelEntry>();
  /** Old versions that still drain. */
  readonly #draining = new Set<Promise<void>>();
  readonly #drainingModels = new Set<Model>();
  /** The load, unload or poll under way; the next one waits for it. */
  #current: Promise<void> = Promise.resolve();

  constructor(parts: RepositoryManagerParts) {
    this.#parts = parts;
  }

  /**
   * Loads models at start.
   *
   * @param only - Names to load, or `null` for all. A name that no repository has is a failure.
   * @returns Whether everything that was asked for is ready.
   * @throws StatusError when a repository cannot be read.
   */
  loadAtStart(only: readonly string[] | null): Promise<boolean> {
    const loaded = this.#loadAtStart(only);
    this.#current = loaded.then(
      () => undefined,
      () => undefined,
    );
    return loaded;
  }

  async #loadAtStart(only: readonly string[] | null): Promise<boolean> {
    const scan = await scanRepositories(this.#parts.repositories);
    const duplicates =
      only === null ? scan.duplicates : scan.duplicates.filter((name) => only.includes(name));
    for (const name of duplicates) this.#markDuplicate(name);
    let wanted = [...scan.models.values()];
    if (only !== null) {
      wanted = wanted.filter((found) => only.includes(found.name));
      for (const name of only) {
        if (scan.models.has(name) || duplicates.includes(name)) continue;
        this.#fail(this.#entry(name), `model '${name}' is in none of the repositories`);
      }
    }
    await this.#loadAll(wanted);
    return [...this.#entries.values()].every((entry) => entry.isReady());
  }

  /**
   * Compares the repositories with what is loaded: loads new models, reloads changed ones, unloads those that are
   * gone. A model that fails stays as it was and is tried again each time: what was missing (memory, a mounted
   * directory) may be there then.
   *
   * @returns Resolves when all of that has ended; never rejects.
   */
  poll(): Promise<void> {
    this.#current = this.#current
      .then(() => this.#poll())
      .catch((thrown: unknown) => {
        this.#parts.logger.error(`Polling the model repository failed: ${StatusError.from(thrown).message}`);
      });
    return this.#current;
  }

  /** @see DataPlane.findModel */
  find(name: string, version: string): Model | Failure {
    const entry = this.#entries.get(name);
    if (entry === undefined) return failure("NOT_FOUND", `Request for unknown model: '${name}' is not found`);
    if (version === "") {
      return (
        entry.latestReady ??
        failure("NOT_FOUND", `Request for unknown model: '${name}' has no available versions`)
      );
    }
    // "007" names version 7: the number counts, not its spelling.
    const known = entry.versions.get(String(Number(version)));
    if (known === undefined) {
      return failure("NOT_FOUND", `Request for unknown model: '${name}' version ${version} is not found`);
    }
    if (known.state === "READY" && known.model !== null) return known.model;
    return failure(
      "UNAVAILABLE",
      `Request for unknown model: '${name}' version ${version} is not at ready state${known.reason === "" ? "" : ` (${known.reason})`}`,
    );
  }

  /** Ready versions of a model, ascending; empty when there are none. */
  readyVersions(name: string): readonly Model[] {
    return this.#entries.get(name)?.readyModels() ?? [];
  }

  /** Ready versions of all models, by name and version. */
  allReadyVersions(): readonly Model[] {
    const byName = [...this.#entries.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
    return byName.flatMap((entry) => entry.readyModels());
  }

  /** Whether every known model is ready or was unloaded on purpose. */
  areAllReady(): boolean {
    return [...this.#entries.values()].every((entry) => entry.isReady());
  }

  /** Every known model and version with its state, by name and version. */
  index(): ModelIndexRow[] {
    const rows: ModelIndexRow[] = [];
    for (const entry of [...this.#entries.values()].sort((a, b) => (a.name < b.name ? -1 : 1))) {
      if (entry.versions.size === 0) {
        rows.push({ name: entry.name, version: "", state: "UNAVAILABLE", reason: entry.failureReason });
      }
      for (const [version, { state, reason }] of [...entry.versions].sort(
        ([a], [b]) => Number(a) - Number(b),
      )) {
        rows.push({ name: entry.name, version, state, reason });
      }
    }
    return rows;
  }

  /** Requests accepted by any model and not yet answered. */
  inflightCount(): number {
    let count = 0;
    for (const model of this.#allModels()) count += model.inflightCount;
    return count;
  }

  /** Refuses new requests everywhere, lets the accepted ones end, and releases everything. */
  async unloadAll(): Promise<void> {
    await this.#current;
    for (const entry of this.#entries.values()) this.#unload(entry);
    await Promise.all(this.#draining);
  }

  /**
   * Fails every request at once: the exit timeout is over.
   *
   * @returns Resolves when all instances have ended, those of a load under way too.
   */
  async terminateAll(): Promise<void> {
    await Promise.all([this.#current, ...this.#allModels().map((model) => model.terminate())]);
  }

  #allModels(): Model[] {
    const models = [...this.#drainingModels];
    for (const entry of this.#entries.values()) models.push(...entry.readyModels());
    return models;
  }

  #entry(name: string): ModelEntry {
    let entry = this.#entries.get(name);
    if (entry === undefined) {
      entry = new ModelEntry(name);
      this.#entries.set(name, entry);
    }
    return entry;
  }

  async #poll(): Promise<void> {
    const scan = await scanRepositories(this.#parts.repositories);
    for (const name of scan.duplicates) {
      this.#unload(this.#entry(name), duplicateReason);
      this.#markDuplicate(name);
    }
    for (const [name, entry] of this.#entries) {
      if (scan.models.has(name) || scan.duplicates.includes(name)) continue;
      this.#unload(entry);
      // What never came up has nothing left to say once its directory is gone, and must not keep the server unready.
      entry.forgetFailures();
      if (entry.versions.size === 0) this.#entries.delete(name);
    }
    await this.#loadAll([...scan.models.values()].filter((found) => this.#isChanged(found)));
  }

  #isChanged(found: FoundModel): boolean {
    const entry = this.#entries.get(found.name);
    return entry === undefined || found.modifiedMs !== entry.modifiedMs || entry.isBroken();
  }

  async #loadAll(found: readonly FoundModel[]): Promise<void> {
    const waiting = [...found];
    const worker = async (): Promise<void> => {
      for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) await this.#load(next);
    };
    await Promise.all(Array.from({ length: concurrentLoadCount }, worker));
  }

  async #load(found: FoundModel): Promise<void> {
    const entry = this.#entry(found.name);
    entry.modifiedMs = found.modifiedMs;
    let loaded: LoadedVersions;
    try {
      const source = await openModelSource(found, this.#parts.logger, (version) => {
        // A version that serves goes on doing so while its new copy loads.
        if (entry.versions.get(version)?.state !== "READY") entry.set(version, "LOADING", "", null);
      });
      loaded = await this.#parts.loader.load(source);
    } catch (thrown) {
      this.#fail(entry, StatusError.from(thrown).message);
      return;
    }
    entry.failureReason = "";
    const replaced = entry.readyModels();
    for (const version of entry.versions.keys()) {
      if (!loaded.has(version)) entry.set(version, "UNAVAILABLE", unloadedReason, null);
    }
    for (const model of replaced) this.#parts.listener.onUnloading(model);
    for (const [version, model] of loaded) {
      entry.set(version, "READY", "", model);
      this.#parts.listener.onReady(model);
      this.#parts.logger.info(`Model '${found.name}' version ${version} is ready`);
    }
    for (const model of replaced) this.#drain(model);
  }

  /** Records a failed load. Versions that served before go on serving. */
  #fail(entry: ModelEntry, reason: string): void {
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

  #markDuplicate(name: string): void {
    const entry = this.#entry(name);
    if (entry.failureReason === duplicateReason) return;
    this.#fail(entry, duplicateReason);
  }

  /** @param reason - What the versions say of themselves afterwards. */
  #unload(entry: ModelEntry, reason = unloadedReason): void {
    entry.modifiedMs = 0;
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

  #drain(model: Model, onDone?: () => void): void {
    this.#drainingModels.add(model);
    const draining = model
      .unload()
      .catch((thrown: unknown) => {
        this.#parts.logger.error(
          `Unloading '${model.name}' version ${model.version}: ${StatusError.from(thrown).message}`,
        );
      })
      .finally(() => {
        this.#drainingModels.delete(model);
        this.#draining.delete(draining);
        onDone?.();
      });
    this.#draining.add(draining);
  }
}
