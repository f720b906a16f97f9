import { type Failure, failure, type Status, StatusError } from "../core/status.ts";
import type { Logger } from "../logging/logger.ts";
import type { Model } from "../model/model.ts";
import { findCycles, runInOrder, stepModelNames } from "./ensemble-dependencies.ts";
import { EnsembleKeeper } from "./ensemble-keeper.ts";
import { ModelEntry } from "./model-entry.ts";
import { type LoadFailure, ModelLifecycle, type ModelLifecycleParts } from "./model-lifecycle.ts";
import { checkModelName, type ModelLoadRequest } from "./model-load-request.ts";
import { ModelQueues } from "./model-queues.ts";
import { OverrideDirectory } from "./override-directory.ts";
import { duplicateReason, indexRowsOf, type ModelIndexRow, repositoryIndex } from "./repository-index.ts";
import {
  findModelDirectories,
  type FoundModel,
  listModelNames,
  scanRepositories,
} from "./repository-scanner.ts";

/** What the manager is made of. */
export interface RepositoryManagerParts extends ModelLifecycleParts {
  readonly repositories: readonly string[];
}

const closing = failure("UNAVAILABLE", "Server is shutting down");

/**
 * Knows every model of the repositories, and decides which are loaded: at start, by polling, and on request.
 *
 * Loads and unloads of one model run one after the other, those of different models side by side.
 */
export class ModelRepositoryManager {
  readonly #repositories: readonly string[];
  readonly #logger: Logger;
  readonly #lifecycle: ModelLifecycle;
  readonly #entries = new Map<string, ModelEntry>();
  readonly #queues = new ModelQueues();
  readonly #ensembles: EnsembleKeeper;
  /** The start or poll under way; the next poll waits for it. */
  #current: Promise<void> = Promise.resolve();
  /** The end has begun: what has not begun to load will not. */
  #isClosing = false;

  constructor(parts: RepositoryManagerParts) {
    this.#repositories = parts.repositories;
    this.#logger = parts.logger;
    this.#lifecycle = new ModelLifecycle(parts);
    this.#ensembles = new EnsembleKeeper(this.#entries, this.#lifecycle, this.#queues);
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
    const scan = await scanRepositories(this.#repositories);
    const duplicates =
      only === null ? scan.duplicates : scan.duplicates.filter((name) => only.includes(name));
    for (const name of duplicates) this.#markDuplicate(name);
    let wanted: readonly FoundModel[] = [...scan.models.values()];
    if (only !== null) {
      wanted = withStepModels(only, scan.models);
      for (const name of only) {
        if (scan.models.has(name) || duplicates.includes(name)) continue;
        this.#lifecycle.fail(this.#entry(name), `model '${name}' is in none of the repositories`);
      }
    }
    await this.#loadAll(wanted, (name) => only === null || only.includes(name));
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
        this.#logger.error(`Polling the model repository failed: ${StatusError.from(thrown).message}`);
      });
    return this.#current;
  }

  /**
   * Loads a model on request, or reloads it when it has changed or the request overrides something of it.
   *
   * @returns When the load has ended; never rejects. `null`: the model serves what was asked for. INVALID_ARG: the
   * name, or a version did not come up. INTERNAL: there is no such model, or its directory, its config or an
   * overriding file is wrong. After a failure the versions that served before go on serving.
   * @see contract §1.10, §5.4
   */
  load(request: ModelLoadRequest): Promise<Status> {
    const refusal = checkModelName(request.modelName);
    return refusal === null ? this.#load(request, []) : Promise.resolve(refusal);
  }

  /**
   * Unloads a model on request. A model that is not loaded, or not known, is no error. Ensembles that need it go down
   * with it.
   *
   * @param withDependents - Also unload what was loaded only because this ensemble needs it.
   * @returns When no version takes requests any more; accepted ones end afterwards. Never rejects.
   * @see contract §1.10, §5.5
   */
  async unload(modelName: string, withDependents = false): Promise<void> {
    const stepModels = this.#entries.get(modelName)?.stepModels ?? [];
    await this.#queues.run(modelName, () => {
      const entry = this.#entries.get(modelName);
      if (entry !== undefined) this.#forget(entry);
      return Promise.resolve();
    });
    if (!withDependents) return;
    for (const name of stepModels) {
      if (this.#entries.get(name)?.isExplicit === false && !this.#ensembles.areUsing(name)) {
        await this.unload(name, true);
      }
    }
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
    return [...this.#entries.values()].sort((a, b) => (a.name < b.name ? -1 : 1)).flatMap(indexRowsOf);
  }

  /** @see repositoryIndex @throws StatusError when a repository cannot be read. */
  async repositoryIndex(onlyReady: boolean): Promise<ModelIndexRow[]> {
    return repositoryIndex(await listModelNames(this.#repositories), this.#entries, onlyReady);
  }

  /** Requests accepted by any model and not yet answered. */
  inflightCount(): number {
    let count = 0;
    for (const model of this.#allModels()) count += model.inflightCount;
    return count;
  }

  /** Refuses new requests everywhere, lets the accepted ones end, and releases everything. */
  async unloadAll(): Promise<void> {
    await this.#settled();
    for (const entry of this.#entries.values()) this.#lifecycle.unload(entry);
    await this.#lifecycle.drained();
  }

  /**
   * Fails every request at once: the exit timeout is over.
   *
   * @returns Resolves when all instances have ended, those of a load under way too.
   */
  async terminateAll(): Promise<void> {
    await Promise.all([
      this.#lifecycle.removeOverrides(),
      this.#settled(),
      ...this.#allModels().map((model) => model.terminate()),
    ]);
  }

  /** Lets no new load begin, and waits for those under way: a load cannot be stopped half-way. */
  async #settled(): Promise<void> {
    this.#isClosing = true;
    await this.#current;
    await this.#queues.idle();
  }

  #allModels(): Model[] {
    const models = [...this.#lifecycle.drainingModels];
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
    const scan = await scanRepositories(this.#repositories);
    for (const name of scan.duplicates) {
      this.#lifecycle.unload(this.#entry(name), duplicateReason);
      this.#markDuplicate(name);
    }
    for (const [name, entry] of this.#entries) {
      if (scan.models.has(name) || scan.duplicates.includes(name)) continue;
      this.#forget(entry);
    }
    const changed = [...scan.models.values()].filter((found) => this.#isChanged(found));
    await this.#loadAll(changed, () => true);
    const names = new Set(changed.map((found) => found.name));
    for (const name of names) {
      if ((this.#entries.get(name)?.latestReady ?? null) !== null) await this.#ensembles.refresh(name, names);
    }
  }

  #isChanged(found: FoundModel): boolean {
    const entry = this.#entries.get(found.name);
    return entry === undefined || found.modifiedMs !== entry.modifiedMs || entry.isBroken();
  }

  /** Ensembles after the models that they need. @param isExplicit - Whether a model was asked for by name. */
  async #loadAll(wanted: readonly FoundModel[], isExplicit: (name: string) => boolean): Promise<void> {
    const foundByName = new Map(wanted.map((found) => [found.name, found]));
    const dependencies = new Map(wanted.map((found) => [found.name, stepModelNames(found, null)]));
    for (const [name, cycle] of findCycles(dependencies)) {
      dependencies.delete(name);
      this.#lifecycle.fail(this.#entry(name), circularDependency(cycle));
    }
    await runInOrder(dependencies, async (name) => {
      const found = foundByName.get(name);
      if (found !== undefined) {
        await this.#queues.run(name, () => this.#loadFound(found, isExplicit(name)));
      }
    });
  }

  async #loadFound(found: FoundModel, isExplicit: boolean): Promise<void> {
    if (this.#isClosing) return;
    const entry = this.#entry(found.name);
    entry.isExplicit = isExplicit;
    const plan = { found, configOverride: null, overrideDirectory: null };
    const failed = await this.#lifecycle.load(entry, plan);
    if (failed !== null) this.#lifecycle.fail(entry, failed.reason);
  }

  /** @param chain - The ensembles because of which the model is loaded, the outermost first; empty: it was asked for. */
  async #load(request: ModelLoadRequest, chain: readonly string[]): Promise<Status> {
    const { modelName: name } = request;
    const before = { latest: null as Model | null };
    const status = await this.#queues
      .run(name, async () => {
        if (this.#isClosing) return closing;
        before.latest = this.#entries.get(name)?.latestReady ?? null;
        const outcome = await this.#loadOnRequest(request, chain);
        const entry = this.#entries.get(name);
        if (entry !== undefined && chain.length === 0) entry.isExplicit = true;
        return outcome;
      })
      .catch((thrown: unknown) => this.#pollFailure(name, StatusError.from(thrown).message));
    const latest = this.#entries.get(name)?.latestReady ?? null;
    if (latest !== null && latest !== before.latest) await this.#ensembles.refresh(name, new Set(chain));
    return status;
  }

  async #loadOnRequest(request: ModelLoadRequest, chain: readonly string[]): Promise<Status> {
    const { modelName: name, configOverride } = request;
    if (request.files.size > 0) return this.#loadFiles(request);
    const directories = await findModelDirectories(this.#repositories, name);
    const [found] = directories;
    if (found === undefined) return this.#pollFailure(name, `model '${name}' is in none of the repositories`);
    if (directories.length > 1) return this.#pollFailure(name, duplicateReason);
    const circular = await this.#loadStepModels(found, configOverride, [...chain, name]);
    if (circular !== null) return circular;
    if (configOverride !== null) return this.#replace(found, configOverride, null);
    if (!this.#isChanged(found)) return null;
    // The instances of an unchanged model have died: it comes back as it was.
    const entry = this.#entries.get(name);
    const isSame = found.modifiedMs === entry?.modifiedMs;
    return this.#replace(found, isSame ? entry.configOverride : null, null);
  }

  /** Brings up what an ensemble needs. What fails there, the ensemble's own load tells. */
  async #loadStepModels(
    found: FoundModel,
    configOverride: string | null,
    chain: readonly string[],
  ): Promise<Status> {
    for (const name of stepModelNames(found, configOverride)) {
      if (chain.includes(name)) {
        const cycle = [...chain.slice(chain.indexOf(name)), name].join(" -> ");
        return this.#pollFailure(found.name, circularDependency(cycle));
      }
      await this.#load({ modelName: name, configOverride: null, files: new Map() }, chain);
    }
    return null;
  }

  async #loadFiles({ modelName: name, configOverride, files }: ModelLoadRequest): Promise<Status> {
    if (configOverride === null) {
      return this.#pollFailure(name, "a load with files needs the parameter 'config' as well");
    }
    const directory = await OverrideDirectory.write(files);
    try {
      return await this.#replace(
        { name, directory: directory.path, modifiedMs: 0 },
        configOverride,
        directory,
      );
    } finally {
      await directory.release();
    }
  }

  async #replace(
    found: FoundModel,
    configOverride: string | null,
    overrideDirectory: OverrideDirectory | null,
  ): Promise<Status> {
    const entry = this.#entry(found.name);
    const failed = await this.#lifecycle.load(entry, { found, configOverride, overrideDirectory });
    if (failed === null) return null;
    if (failed.versions.length > 0) {
      this.#lifecycle.fail(entry, failed.reason);
      return loadFailure(found.name, failed);
    }
    // Nothing has been touched: what is loaded counts as unmodified as before, and a new name is not known by this.
    if (entry.versions.size === 0 && entry.failureReason === "") this.#entries.delete(found.name);
    return this.#pollFailure(found.name, failed.reason);
  }

  /** The answer to a load that did not come to loading anything. */
  #pollFailure(name: string, reason: string): Failure {
    const failed = failure(
      "INTERNAL",
      `failed to load '${name}', failed to poll from model repository: ${reason}`,
    );
    this.#logger.error(failed.message);
    return failed;
  }

  #markDuplicate(name: string): void {
    const entry = this.#entry(name);
    if (entry.failureReason === duplicateReason) return;
    this.#lifecycle.fail(entry, duplicateReason);
  }

  /** Unloads a model. What never came up has nothing left to say, and must not keep the server unready. */
  #forget(entry: ModelEntry): void {
    this.#ensembles.park(entry.name);
    this.#lifecycle.unload(entry);
    entry.plan = null;
    entry.isParked = false;
    entry.isExplicit = false;
    entry.forgetFailures();
    entry.failureReason = "";
    if (entry.versions.size === 0) this.#entries.delete(entry.name);
  }
}

function circularDependency(cycle: string): string {
  return `circular dependency between ensembles: ${cycle}`;
}

/** Models that were asked for by name, and those that the ensembles among them need. */
function withStepModels(
  names: readonly string[],
  models: ReadonlyMap<string, FoundModel>,
): readonly FoundModel[] {
  const wanted = new Set<FoundModel>();
  const add = (name: string): void => {
    const found = models.get(name);
    if (found === undefined || wanted.has(found)) return;
    wanted.add(found);
    for (const needed of stepModelNames(found, null)) add(needed);
  };
  for (const name of names) add(name);
  return [...wanted];
}

function loadFailure(name: string, { reason, versions }: LoadFailure): Failure {
  const states = versions.map((version) => `version ${version} is at UNAVAILABLE state: ${reason}`);
  return failure("INVALID_ARG", `load failed for model '${name}': ${states.join("; ")}`);
}
