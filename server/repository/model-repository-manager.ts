import { type Failure, StatusError } from "../core/status.ts";
import type { Logger } from "../logging/logger.ts";
import type { Model } from "../model/model.ts";
import { ChangeSettler } from "./change-settler.ts";
import { circularDependency, findCycles, runInOrder, StepReader } from "./ensemble-dependencies.ts";
import { EnsembleKeeper } from "./ensemble-keeper.ts";
import { ModelEntries, type ModelIdentity, modelKey } from "./model-entries.ts";
import { ModelEntry } from "./model-entry.ts";
import { ModelLifecycle, type ModelLifecycleParts } from "./model-lifecycle.ts";
import type { ModelLoadRequest } from "./model-load-request.ts";
import { ModelQueues } from "./model-queues.ts";
import type { ModelScanner, RepositoryScan, UnreadableModel } from "./model-scanner.ts";
import { contentsOf, identityOf, type RepositoryContents } from "./repository-contents.ts";
import { duplicateReason, indexRowsOf, type ModelIndexRow, repositoryIndex } from "./repository-index.ts";
import type { PollOutcome } from "./repository-poller.ts";
import { RequestedLoads } from "./requested-loads.ts";
import { RestlessModels } from "./restless-models.ts";
import type { FoundModel } from "./scan/find-models.ts";
import type { Status } from "../core/status.ts";

/** What the manager is made of. */
export interface RepositoryManagerParts extends ModelLifecycleParts {
  readonly scanner: Pick<ModelScanner, "scan" | "find" | "look" | "names">;
  /** Names are told apart by their repositories: `--model-namespacing`. */
  readonly isNamespacing: boolean;
  /** `--model-config-name`; `null`: none. */
  readonly configName: string | null;
}

/** Looks at a repository that is being written while the server starts; what is not at rest then is left to the polls. */
const maxLooksAtStart = 10;

/**
 * Knows every model of the repositories, and decides which are loaded: at start, by polling, and on request.
 *
 * Loads and unloads of one model run one after the other, those of different models side by side.
 */
export class ModelRepositoryManager {
  readonly #parts: RepositoryManagerParts;
  readonly #logger: Logger;
  readonly #lifecycle: ModelLifecycle;
  readonly #entries: ModelEntries;
  readonly #queues = new ModelQueues();
  readonly #ensembles: EnsembleKeeper;
  readonly #steps: StepReader;
  readonly #requested: RequestedLoads;
  readonly #settler: ChangeSettler;
  readonly #restless: RestlessModels;
  /** The start or poll under way; the next poll waits for it. */
  #current: Promise<unknown> = Promise.resolve();
  /** Why repositories could not be read, when they were last looked at: the log hears of each reason once. */
  #unreadable = new Map<string, string>();
  #pollProblem = "";
  /** The end has begun: what has not begun to load will not. */
  #isClosing = false;

  constructor(parts: RepositoryManagerParts) {
    this.#parts = parts;
    this.#logger = parts.logger;
    this.#entries = new ModelEntries(parts.isNamespacing);
    this.#lifecycle = new ModelLifecycle(parts);
    this.#ensembles = new EnsembleKeeper(this.#entries, this.#lifecycle, this.#queues);
    this.#steps = new StepReader(parts.configName);
    this.#settler = new ChangeSettler(parts.clock, parts.settleMs);
    const { logger, settleMs } = parts;
    this.#restless = new RestlessModels({ entries: this.#entries, logger, settleMs });
    this.#requested = new RequestedLoads({
      scanner: parts.scanner,
      isNamespacing: parts.isNamespacing,
      logger: parts.logger,
      entries: this.#entries,
      lifecycle: this.#lifecycle,
      queues: this.#queues,
      ensembles: this.#ensembles,
      steps: this.#steps,
      isClosing: () => this.#isClosing,
    });
  }

  /**
   * Loads models at start.
   *
   * @param only - Names to load, or `null` for all. A name that no repository has is a failure.
   * @param awaitsQuiet - Leave out what is being written, for later polls.
   * @returns Whether everything that was asked for is ready.
   * @throws StatusError when a repository cannot be read.
   */
  loadAtStart(only: readonly string[] | null, awaitsQuiet = false): Promise<boolean> {
    const loaded = this.#loadAtStart(only, awaitsQuiet);
    this.#current = loaded.catch(() => undefined);
    return loaded;
  }

  async #loadAtStart(only: readonly string[] | null, awaitsQuiet: boolean): Promise<boolean> {
    const { models, duplicates } = contentsOf(
      await this.#scanAtStart(only, awaitsQuiet),
      this.#parts.isNamespacing,
    );
    const isWanted = ({ name }: { readonly name: string }): boolean => only?.includes(name) ?? true;
    for (const identity of [...duplicates.values()].filter(isWanted)) {
      this.#markDuplicate(this.#entries.obtain(identity));
    }
    let wanted: readonly FoundModel[] = [...models.values()];
    if (only !== null) {
      wanted = this.#steps.withSteps(wanted.filter(isWanted), wanted);
      for (const name of only) {
        if (this.#entries.named(name).length > 0 || wanted.some((found) => found.name === name)) continue;
        const entry = this.#entries.obtain({ name, namespace: "" });
        this.#lifecycle.fail(entry, `model '${name}' is in none of the repositories`);
      }
    }
    await this.#loadAll(wanted, isWanted);
    return this.areAllReady();
  }

  /** @throws StatusError when a repository cannot be read. */
  async #scanAtStart(only: readonly string[] | null, awaitsQuiet: boolean): Promise<readonly FoundModel[]> {
    const look = async (): Promise<readonly FoundModel[]> => {
      const { models, unreadable, unreadableModels } = await this.#parts.scanner.scan(only);
      const [first] = unreadable;
      if (first !== undefined) throw new StatusError(first.problem.code, first.problem.message);
      this.#failUnreadable(unreadableModels);
      return models;
    };
    const { settleMs, clock } = this.#parts;
    const isFresh = ({ fingerprint }: FoundModel): boolean =>
      Math.abs(Date.now() - fingerprint.modifiedMs) < settleMs;
    let models = await look();
    if (!awaitsQuiet) return models;
    for (let looksLeft = maxLooksAtStart; looksLeft > 0 && models.some(isFresh); looksLeft--) {
      await new Promise<void>((resolve) => clock.at(clock.nowUs() + settleMs * 1_000, resolve));
      models = await look();
    }
    return models.filter((found) => !isFresh(found));
  }

  /**
   * Compares the repositories with what is loaded: loads new models, reloads changed ones, unloads those that are
   * gone, each when its directory has been left alone for a while. A model that fails stays as it was and is tried
   * again each time: what was missing (memory, a mounted directory) may be there then.
   *
   * @returns When all of that has ended; never rejects.
   */
  poll(): Promise<PollOutcome> {
    const outcome = this.#current.then(async (): Promise<PollOutcome> => {
      try {
        const isSettled = await this.#poll();
        this.#pollProblem = "";
        return isSettled ? "settled" : "changing";
      } catch (thrown) {
        const { message } = StatusError.from(thrown);
        if (!this.#isClosing && message !== this.#pollProblem)
          this.#logger.error(`Polling the model repository failed: ${message}`);
        this.#pollProblem = message;
        return "settled";
      }
    });
    this.#current = outcome;
    return outcome;
  }

  /** @see RequestedLoads.load */
  load(request: ModelLoadRequest): Promise<Status> {
    return this.#requested.load(request);
  }

  /**
   * Unloads a model on request. A model that is not loaded, or not known, is no error. Ensembles that need it go down
   * with it.
   *
   * @param withDependents - Also unload what was loaded only because this ensemble needs it.
   * @returns `null` when no version takes requests any more; accepted ones end afterwards. INVALID_ARG: several models
   * have the name. Never rejects.
   * @see contract §1.10, §5.5
   */
  unload(modelName: string, withDependents = false): Promise<Status> {
    return this.#unload(modelName, null, withDependents);
  }

  async #unload(name: string, namespace: string | null, withDependents: boolean): Promise<Status> {
    // Which model it is, and of what it consists, is known when the operations before this one have ended.
    const found = await this.#queues.run(name, () => {
      const entry = this.#entries.resolve(name, namespace);
      const stepModels = entry instanceof ModelEntry ? entry.stepModels : [];
      if (entry instanceof ModelEntry) this.#forget(entry);
      return Promise.resolve({ entry, stepModels });
    });
    const { entry, stepModels } = found;
    if (!(entry instanceof ModelEntry)) return this.#entries.named(name).length === 0 ? null : entry;
    for (const stepName of withDependents ? stepModels : []) {
      const step = this.#entries.resolve(stepName, entry.namespace);
      if (step instanceof ModelEntry && !step.isExplicit && !this.#ensembles.areUsing(step)) {
        await this.#unload(stepName, entry.namespace, true);
      }
    }
    return null;
  }

  /** @param namespace - Where the name is looked for first; @see DataPlane.findModel */
  find(name: string, version: string, namespace: string | null = null): Model | Failure {
    return this.#entries.find(name, version, namespace);
  }

  /** Ready versions of a model, ascending; empty when there are none. */
  readyVersions(name: string): readonly Model[] {
    const entry = this.#entries.resolve(name, null);
    return entry instanceof ModelEntry ? entry.readyModels() : [];
  }

  /** Ready versions of all models, by name and version. */
  allReadyVersions(): readonly Model[] {
    return this.#entries.sorted().flatMap((entry) => entry.readyModels());
  }

  /** Whether every known model is ready or was unloaded on purpose. */
  areAllReady(): boolean {
    return this.#entries.all().every((entry) => entry.isReady());
  }

  /** Every known model and version with its state, by name and version. */
  index(): ModelIndexRow[] {
    return this.#entries.sorted().flatMap(indexRowsOf);
  }

  /**
   * @param onlyReady - Leave out every version that is not READY.
   * @see repositoryIndex
   * @throws StatusError when a repository cannot be read.
   */
  async repositoryIndex(onlyReady: boolean): Promise<ModelIndexRow[]> {
    const names = await this.#parts.scanner.names();
    const rows = repositoryIndex(names, this.#parts.isNamespacing, this.#entries);
    return onlyReady ? rows.filter(({ state }) => state === "READY") : rows;
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
    for (const entry of this.#entries.all()) this.#lifecycle.unload(entry);
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
    for (const entry of this.#entries.all()) models.push(...entry.readyModels());
    return models;
  }

  #identityOf(found: FoundModel): ModelIdentity {
    return identityOf(found, this.#parts.isNamespacing);
  }

  #entryOf(found: FoundModel): ModelEntry {
    return this.#entries.obtain(this.#identityOf(found));
  }

  /** @returns Whether everything was at rest. */
  async #poll(): Promise<boolean> {
    const scan = await this.#parts.scanner.scan(null);
    if (this.#isClosing) return true;
    this.#logUnreadable(scan);
    const unreadable = this.#failUnreadable(scan.unreadableModels);
    const contents = contentsOf(scan.models, this.#parts.isNamespacing);
    const waiting = new Set<string>();
    const isSettled = (key: string, look: string): boolean => {
      waiting.add(key);
      return this.#settler.isSettled(key, look);
    };
    for (const [key, identity] of contents.duplicates) {
      const entry = this.#entries.obtain(identity);
      if (entry.failureReason === duplicateReason || !isSettled(key, "twice")) continue;
      this.#ensembles.park(entry);
      this.#lifecycle.unload(entry, duplicateReason);
      this.#markDuplicate(entry);
    }
    for (const entry of this.#goneEntries(contents, scan)) {
      if (!unreadable.has(modelKey(entry)) && isSettled(modelKey(entry), "gone")) this.#forget(entry);
    }
    const restless = new Set<string>();
    const changed = [...contents.models].flatMap(([key, found]) => {
      if (unreadable.has(key) || !this.#isChanged(found)) return [];
      if (isSettled(key, found.fingerprint.whole)) return [found];
      restless.add(key);
      this.#restless.note(found, this.#identityOf(found), this.#settler.waitedUs(key));
      return [];
    });
    this.#settler.keepOnly(waiting);
    this.#restless.keepOnly(restless);
    await this.#loadAll(changed, () => true);
    const entries = changed.flatMap((found) => this.#entries.get(this.#identityOf(found)) ?? []);
    for (const entry of entries) {
      if (entry.latestReady !== null) await this.#ensembles.refresh(entry, new Set(entries));
    }
    return !this.#settler.isWaiting;
  }

  #logUnreadable({ unreadable }: RepositoryScan): void {
    for (const { repository, problem } of unreadable) {
      if (this.#unreadable.get(repository) !== problem.message) {
        this.#logger.error(`Polling leaves the models of '${repository}' as they are: ${problem.message}`);
      }
    }
    this.#unreadable = new Map(unreadable.map(({ repository, problem }) => [repository, problem.message]));
  }

  /** Models that are there and cannot be read go on serving as they are. @returns Their keys. */
  #failUnreadable(models: readonly UnreadableModel[]): ReadonlySet<string> {
    const keys = new Set<string>();
    for (const model of models) {
      const identity = identityOf(model, this.#parts.isNamespacing);
      keys.add(modelKey(identity));
      this.#lifecycle.fail(this.#entries.obtain(identity), model.problem.message);
    }
    return keys;
  }

  /** Models that no repository has any more. Those of a repository that cannot be read may be there still. */
  #goneEntries({ models, duplicates }: RepositoryContents, { unreadable }: RepositoryScan): ModelEntry[] {
    return this.#entries.all().filter((entry) => {
      const key = modelKey(entry);
      if (models.has(key) || duplicates.has(key)) return false;
      if (entry.isForgotten) return false;
      const home = entry.plan?.found.repository;
      return !unreadable.some(({ repository }) => repository === home);
    });
  }

  #isChanged(found: FoundModel): boolean {
    const entry = this.#entries.get(this.#identityOf(found));
    return entry === undefined || entry.differsFrom(found) || entry.isBroken();
  }

  /** Ensembles after the models that they need. @param isExplicit - Whether a model was asked for by name. */
  async #loadAll(wanted: readonly FoundModel[], isExplicit: (found: FoundModel) => boolean): Promise<void> {
    const dependencies = new Map(this.#steps.dependencies(wanted));
    for (const [found, cycle] of findCycles(dependencies)) {
      dependencies.delete(found);
      this.#lifecycle.fail(this.#entryOf(found), circularDependency(cycle.map(({ name }) => name)));
    }
    await runInOrder(dependencies, (found) =>
      this.#queues.run(found.name, () => this.#loadFound(found, isExplicit(found))),
    );
  }

  async #loadFound(found: FoundModel, isExplicit: boolean): Promise<void> {
    if (this.#isClosing) return;
    const entry = this.#entryOf(found);
    entry.isExplicit = isExplicit;
    const failed = await this.#lifecycle.load(entry, {
      found,
      configOverride: null,
      overrideDirectory: null,
    });
    if (failed !== null) this.#lifecycle.fail(entry, failed.reason);
  }

  #markDuplicate(entry: ModelEntry): void {
    if (entry.failureReason === duplicateReason) return;
    this.#lifecycle.fail(entry, duplicateReason);
  }

  /** Unloads a model. What never came up has nothing left to say, and must not keep the server unready. */
  #forget(entry: ModelEntry): void {
    this.#ensembles.park(entry);
    this.#lifecycle.unload(entry);
    entry.plan = null;
    entry.isParked = false;
    entry.isExplicit = false;
    entry.forgetFailures();
    entry.failureReason = "";
    if (entry.versions.size === 0) this.#entries.delete(entry);
  }
}
