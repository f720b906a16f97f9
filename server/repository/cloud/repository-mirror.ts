import { setMaxListeners } from "node:events";
import { copyFile, link, mkdir, rename, rm } from "node:fs/promises";
import path from "node:path";
import { StatusError } from "../../core/status.ts";
import type { LoadSlots } from "../../model/load-slots.ts";
import { ModelQueues } from "../model-queues.ts";
import type { UnreadableModel } from "../model-scanner.ts";
import type { CloudAddress } from "./cloud-address.ts";
import type { MirrorNews } from "./mirror-protocol.ts";
import { isModelName, type ModelObjects, sortByModel } from "./model-objects.ts";
import type { ObjectStore, StoredObject } from "./object-store.ts";
import { saveObject } from "./saved-object.ts";
import { storeError } from "./store-problem.ts";

/** What a mirror is made of. */
export interface RepositoryMirrorParts {
  readonly address: CloudAddress;
  /** The copy's own directory, made when it is needed; its parent exists. Models are in {@link modelsDirectory} of it. */
  readonly directory: string;
  readonly openStore: () => Promise<ObjectStore>;
  /** Bounds the transfers at the same time, of all mirrors together. */
  readonly transfers: LoadSlots;
  /** Told what has been copied. */
  readonly onNews: (news: MirrorNews) => void;
  /** A transfer that brings nothing for so long is given up, ms. */
  readonly stallMs: number;
}

/** Where the models of a mirror are. */
export function modelsDirectory(mirrorDirectory: string): string {
  return path.join(mirrorDirectory, "models");
}

/**
 * Keeps a copy of a repository in the cloud, in a directory that looks as if somebody had copied it by hand, but with
 * care: a model's directory is another one as soon as all of its objects are there, and never before. What has not
 * changed is not transferred again, and keeps its modification time.
 *
 * @see docs/decisions/0007-mirrored-cloud-repositories.md
 */
export class RepositoryMirror {
  readonly #parts: RepositoryMirrorParts;
  readonly #models: string;
  readonly #incoming: string;
  /** What the copy of each model was made from. */
  readonly #copies = new Map<string, ModelObjects>();
  readonly #queues = new ModelQueues();
  #store: Promise<ObjectStore> | null = null;
  #made: Promise<void> | null = null;
  #serial = 0;
  #hasTold = false;

  constructor(parts: RepositoryMirrorParts) {
    this.#parts = parts;
    this.#models = modelsDirectory(parts.directory);
    this.#incoming = path.join(parts.directory, "incoming");
  }

  /**
   * Makes the copy what the repository is now. A model that cannot be copied stays as it was.
   *
   * @returns The models that could not be copied.
   * @throws StatusError when the repository cannot be listed: the copy stays as it was.
   */
  async refresh(): Promise<readonly UnreadableModel[]> {
    const { text, prefix } = this.#parts.address;
    const models = sortByModel(await this.#ask((store) => store.list(prefix)), prefix);
    if (models.size === 0 && this.#copies.size === 0 && !this.#hasTold) {
      this.#hasTold = true;
      const sentence = `There is no model in '${text}': a model is a directory with files in it`;
      this.#parts.onNews({ severity: "warning", sentence });
    }
    const gone = [...this.#copies.keys()].filter((name) => !models.has(name));
    await Promise.all(gone.map((name) => this.#remove(name)));
    return this.#copyAll([...models.values()]);
  }

  /**
   * The same for some models. Those that the repository does not have are taken out of the copy.
   *
   * @throws StatusError as {@link refresh}.
   */
  async refreshModels(names: readonly string[]): Promise<readonly UnreadableModel[]> {
    const { prefix } = this.#parts.address;
    await this.#makeDirectories();
    const found = await Promise.all(
      names.filter(isModelName).map(async (name): Promise<ModelObjects | null> => {
        const objects = await this.#ask((store) => store.list(`${prefix}${name}/`));
        const model = sortByModel(objects, prefix).get(name);
        if (model === undefined) await this.#remove(name);
        return model ?? null;
      }),
    );
    return this.#copyAll(found.filter((model) => model !== null));
  }

  /**
   * The names of all models of the repository, sorted; they need not be in the copy.
   *
   * @throws StatusError as {@link refresh}.
   */
  async listNames(): Promise<readonly string[]> {
    await this.#makeDirectories();
    const names = await this.#ask((store) => store.listDirectories(this.#parts.address.prefix));
    return names.filter(isModelName).sort();
  }

  async #ask<T>(question: (store: ObjectStore) => Promise<T>): Promise<T> {
    await this.#makeDirectories();
    this.#store ??= this.#parts.openStore();
    const opened = this.#store;
    let store: ObjectStore;
    try {
      store = await opened;
    } catch (thrown) {
      this.#store = null;
      throw StatusError.from(thrown);
    }
    try {
      return await question(store);
    } catch (thrown) {
      // Keys that have been replaced meanwhile are read by the next one.
      if (this.#store === opened) this.#store = null;
      throw storeError(this.#parts.address.text, store.explain(thrown));
    }
  }

  async #copyAll(models: readonly ModelObjects[]): Promise<readonly UnreadableModel[]> {
    const { text: repository } = this.#parts.address;
    const outcomes = await Promise.all(
      models.map(async (model): Promise<UnreadableModel | null> => {
        try {
          await this.#queues.run(model.name, () => this.#copy(model));
          return null;
        } catch (thrown) {
          return { name: model.name, repository, problem: StatusError.from(thrown).toFailure() };
        }
      }),
    );
    return outcomes.filter((outcome) => outcome !== null);
  }

  async #copy(model: ModelObjects): Promise<void> {
    const { name, problem } = model;
    const before = this.#copies.get(name);
    if (before !== undefined && isSame(before, model)) return;
    if (problem !== null) throw new StatusError("INVALID_ARG", `'${this.#parts.address.text}': ${problem}`);
    const fresh = path.join(this.#incoming, String(++this.#serial));
    try {
      const transferredBytes = await this.#fill(fresh, model);
      await this.#exchange(name, fresh);
      this.#copies.set(name, model);
      const sentence =
        `Copied model '${name}' of '${this.#parts.address.text}': ${model.files.size} files, ` +
        `${(transferredBytes / 1e6).toFixed(1)} MB transferred`;
      this.#parts.onNews({ severity: "info", sentence });
    } finally {
      await rm(fresh, { recursive: true, force: true, maxRetries: 3 });
    }
  }

  /** Makes the directory of a model beside its place. @returns How many bytes came over the network. */
  async #fill(fresh: string, model: ModelObjects): Promise<number> {
    await mkdir(fresh, { mode: 0o700 });
    for (const directory of model.directories) await mkdir(path.join(fresh, directory), { mode: 0o700 });
    const known = this.#copies.get(model.name)?.files;
    // The first failure ends the other transfers of the model: they would be for nothing.
    const giveUp = new AbortController();
    // Each transfer listens while it lasts, and so do the SDKs: that is no leak.
    setMaxListeners(0, giveUp.signal);
    let transferredBytes = 0;
    const outcomes = await Promise.allSettled(
      [...model.files].map(([file, object]) =>
        this.#parts.transfers
          .run(async () => {
            if (giveUp.signal.aborted) return;
            const target = path.join(fresh, file);
            const old = known?.get(file);
            if (old !== undefined && isSameObject(old, object)) {
              await keepFile(path.join(this.#models, model.name, file), target);
            } else {
              await this.#transfer(object, target, giveUp.signal);
              transferredBytes += object.sizeBytes;
            }
          })
          .catch((thrown: unknown) => {
            if (giveUp.signal.aborted) return;
            giveUp.abort();
            throw thrown;
          }),
      ),
    );
    for (const outcome of outcomes) if (outcome.status === "rejected") throw outcome.reason;
    return transferredBytes;
  }

  async #transfer(object: StoredObject, file: string, signal: AbortSignal): Promise<void> {
    const { address, stallMs } = this.#parts;
    this.#store ??= this.#parts.openStore();
    await saveObject(await this.#store, object, file, { address, signal, stallMs });
  }

  /** Puts a directory in a model's place. Between the two renames, which take no time, there is none. */
  async #exchange(name: string, fresh: string): Promise<void> {
    const place = path.join(this.#models, name);
    const old = `${fresh}-old`;
    const hadOld = this.#copies.has(name);
    if (hadOld) await rename(place, old);
    try {
      await rename(fresh, place);
    } catch (thrown) {
      if (hadOld) await rename(old, place);
      throw thrown;
    }
    if (hadOld) await rm(old, { recursive: true, force: true, maxRetries: 3 });
  }

  #remove(name: string): Promise<void> {
    return this.#queues.run(name, async () => {
      if (!this.#copies.delete(name)) return;
      const old = path.join(this.#incoming, String(++this.#serial));
      await rename(path.join(this.#models, name), old);
      await rm(old, { recursive: true, force: true, maxRetries: 3 });
    });
  }

  #makeDirectories(): Promise<void> {
    this.#made ??= this.#make().catch((thrown: unknown) => {
      this.#made = null;
      throw new StatusError(
        "INTERNAL",
        `cannot make the directory for the copy of '${this.#parts.address.text}': ${(thrown as Error).message}`,
      );
    });
    return this.#made;
  }

  async #make(): Promise<void> {
    const { directory } = this.#parts;
    // A thread that died has left one: what is in it is not known any more.
    await rm(directory, { recursive: true, force: true });
    await mkdir(directory, { mode: 0o700 });
    await mkdir(this.#models, { mode: 0o700 });
    await mkdir(this.#incoming, { mode: 0o700 });
  }
}

function isSame(one: ModelObjects, other: ModelObjects): boolean {
  if (one.files.size !== other.files.size || one.directories.length !== other.directories.length)
    return false;
  if (one.directories.some((directory, index) => directory !== other.directories[index])) return false;
  for (const [file, object] of one.files) {
    const counterpart = other.files.get(file);
    if (counterpart === undefined || !isSameObject(object, counterpart)) return false;
  }
  return true;
}

function isSameObject(one: StoredObject, other: StoredObject): boolean {
  return one.revision === other.revision && one.sizeBytes === other.sizeBytes;
}

/** The same file under another name, with its modification time. Nobody ever writes into it. */
async function keepFile(from: string, to: string): Promise<void> {
  try {
    await link(from, to);
  } catch {
    // File systems without links: the copy's time is another one, and the model is loaded again.
    await copyFile(from, to);
  }
}
