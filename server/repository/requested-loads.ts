import { type Failure, failure, type Status, StatusError } from "../core/status.ts";
import type { Logger } from "../logging/logger.ts";
import type { Model } from "../model/model.ts";
import { circularDependency, type StepReader } from "./ensemble-dependencies.ts";
import type { EnsembleKeeper } from "./ensemble-keeper.ts";
import type { ModelEntries } from "./model-entries.ts";
import { ModelEntry } from "./model-entry.ts";
import type { LoadFailure, LoadPlan, ModelLifecycle } from "./model-lifecycle.ts";
import { checkModelName, type ModelLoadRequest } from "./model-load-request.ts";
import type { ModelQueues } from "./model-queues.ts";
import { OverrideDirectory } from "./override-directory.ts";
import { identityOf } from "./repository-contents.ts";
import { duplicateReason } from "./repository-index.ts";
import type { RepositoryScanner } from "./repository-scanner.ts";
import type { FoundModel } from "./scan/find-models.ts";

/** What loading on request needs of the repository manager. */
export interface RequestedLoadsParts {
  readonly scanner: Pick<RepositoryScanner, "find">;
  readonly isNamespacing: boolean;
  readonly logger: Logger;
  readonly entries: ModelEntries;
  readonly lifecycle: ModelLifecycle;
  readonly queues: ModelQueues;
  readonly ensembles: EnsembleKeeper;
  readonly steps: StepReader;
  /** The end has begun: nothing is loaded any more. */
  readonly isClosing: () => boolean;
}

const closing = failure("UNAVAILABLE", "Server is shutting down");

/** The ensembles because of which a model is loaded, the outermost first; empty: it was asked for. */
type Chain = readonly FoundModel[];

/** Loads models because somebody asks for them by name, with the models that ensembles need. */
export class RequestedLoads {
  readonly #parts: RequestedLoadsParts;

  constructor(parts: RequestedLoadsParts) {
    this.#parts = parts;
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

  async #load(request: ModelLoadRequest, chain: Chain): Promise<Status> {
    const { entries, queues, ensembles, isClosing } = this.#parts;
    const { modelName: name } = request;
    const home = chain.at(-1);
    const namespace = home === undefined ? null : identityOf(home, this.#parts.isNamespacing).namespace;
    const current = (): ModelEntry | null => {
      const entry = entries.resolve(name, namespace);
      return entry instanceof ModelEntry ? entry : null;
    };
    const before = { latest: null as Model | null };
    const status = await queues
      .run(name, async () => {
        if (isClosing()) return closing;
        before.latest = current()?.latestReady ?? null;
        const outcome = await this.#loadInTurn(request, chain);
        const entry = current();
        if (entry !== null && chain.length === 0) entry.isExplicit = true;
        return outcome;
      })
      .catch((thrown: unknown) => this.#pollFailure(name, StatusError.from(thrown).message));
    const entry = current();
    if (entry !== null && entry.latestReady !== null && entry.latestReady !== before.latest) {
      const own = chain.map((found) => entries.get(identityOf(found, this.#parts.isNamespacing)));
      await ensembles.refresh(entry, new Set(own.filter((each) => each !== undefined)));
    }
    return status;
  }

  async #loadInTurn(request: ModelLoadRequest, chain: Chain): Promise<Status> {
    const { modelName: name, configOverride } = request;
    if (request.files.size > 0) return this.#loadFiles(request);
    const found = this.#pick(name, await this.#parts.scanner.find(name), chain.at(-1));
    if (typeof found === "string") return this.#pollFailure(name, found);
    const circular = await this.#loadStepModels(found, configOverride, [...chain, found]);
    if (circular !== null) return circular;
    if (configOverride !== null) return this.#replace({ found, configOverride, overrideDirectory: null });
    const entry = this.#parts.entries.get(identityOf(found, this.#parts.isNamespacing));
    const isSame = entry !== undefined && !entry.differsFrom(found);
    if (isSame && !entry.isBroken()) return null;
    // The instances of an unchanged model have died: it comes back as it was.
    return this.#replace({
      found,
      configOverride: isSame ? entry.configOverride : null,
      overrideDirectory: null,
    });
  }

  /**
   * The directory that a name means, or why there is none.
   *
   * @param home - The ensemble that needs it: with namespaces its own repository comes first.
   */
  #pick(name: string, directories: readonly FoundModel[], home: FoundModel | undefined): FoundModel | string {
    const [found] = directories;
    if (found === undefined) return `model '${name}' is in none of the repositories`;
    if (directories.length === 1) return found;
    if (!this.#parts.isNamespacing) return duplicateReason;
    const own = directories.find(({ repository }) => repository === home?.repository);
    const places = directories.map(({ repository }) => `'${repository}'`).join(", ");
    return own ?? `the name cannot resolve the ambiguity: model '${name}' is in ${places}`;
  }

  /** Brings up what an ensemble needs. What fails there, the ensemble's own load tells. */
  async #loadStepModels(found: FoundModel, configOverride: string | null, chain: Chain): Promise<Status> {
    for (const name of this.#parts.steps.namesOf(found, configOverride)) {
      const position = chain.findIndex((above) => above.name === name);
      if (position >= 0) {
        const cycle = [...chain.slice(position).map((above) => above.name), name];
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
    const known = this.#parts.entries.resolve(name, null);
    if (!(known instanceof ModelEntry) && this.#parts.entries.named(name).length > 0) return known;
    const directory = await OverrideDirectory.write(files);
    try {
      const found = {
        name,
        repository: known instanceof ModelEntry ? known.namespace : "",
        directory: directory.path,
        fingerprint: { whole: "", versions: {}, others: "", modifiedMs: 0, newestPath: "" },
      };
      return await this.#replace({ found, configOverride, overrideDirectory: directory });
    } finally {
      await directory.release();
    }
  }

  async #replace(plan: LoadPlan): Promise<Status> {
    const { entries, lifecycle, isNamespacing } = this.#parts;
    const { found } = plan;
    const entry = entries.obtain(identityOf(found, isNamespacing));
    const failed = await lifecycle.load(entry, plan);
    if (failed === null) return null;
    if (failed.versions.length > 0) {
      lifecycle.fail(entry, failed.reason);
      return loadFailure(found.name, failed);
    }
    // Nothing has been touched: what is loaded counts as unmodified as before, and a new name is not known by this.
    if (entry.versions.size === 0 && entry.failureReason === "") entries.delete(entry);
    return this.#pollFailure(found.name, failed.reason);
  }

  /** The answer to a load that did not come to loading anything. */
  #pollFailure(name: string, reason: string): Failure {
    const failed = failure(
      "INTERNAL",
      `failed to load '${name}', failed to poll from model repository: ${reason}`,
    );
    this.#parts.logger.error(failed.message);
    return failed;
  }
}

function loadFailure(name: string, { reason, versions }: LoadFailure): Failure {
  const states = versions.map((version) => `version ${version} is at UNAVAILABLE state: ${reason}`);
  return failure("INVALID_ARG", `load failed for model '${name}': ${states.join("; ")}`);
}
