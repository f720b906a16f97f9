import { mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, before } from "mocha";

/** A model to write: what is left out has no file. */
export interface RepositoryModel {
  /** An object becomes JSON; a text is written as it is. */
  readonly config?: object | string;
  /** A `config.pbtxt`, as it is written. */
  readonly pbtxt?: string;
  /** Version directories and the bytes of their `model.onnx`; `null` leaves the directory empty. */
  readonly versions: Readonly<Record<string, Uint8Array | null>>;
}

/** A model repository in a directory of its own. */
export class TemporaryRepository {
  readonly path: string;
  readonly #root: string;
  /** Where things are made, to be moved into the repository in one step. On the same disk, and not watched. */
  readonly #staging: string;

  constructor() {
    this.#root = mkdtempSync(path.join(tmpdir(), "nereid-test-"));
    this.path = path.join(this.#root, "models");
    this.#staging = path.join(this.#root, "staging");
    mkdirSync(this.path);
    mkdirSync(this.#staging);
  }

  /** Adds a model, or replaces it. It appears all at once: nobody sees half a copy. */
  add(name: string, model: RepositoryModel): void {
    const staged = mkdtempSync(path.join(this.#staging, "new-"));
    if (model.config !== undefined) {
      const { config } = model;
      writeFileSync(
        path.join(staged, "config.json"),
        typeof config === "string" ? config : JSON.stringify(config),
      );
    }
    if (model.pbtxt !== undefined) writeFileSync(path.join(staged, "config.pbtxt"), model.pbtxt);
    for (const [version, bytes] of Object.entries(model.versions)) {
      mkdirSync(path.join(staged, version));
      if (bytes !== null) writeFileSync(path.join(staged, version, "model.onnx"), bytes);
    }
    this.delete(name);
    renameSync(staged, path.join(this.path, name));
  }

  /** Adds a version to a model that is there. It appears all at once. */
  addVersion(name: string, version: string, bytes: Uint8Array): void {
    const staged = mkdtempSync(path.join(this.#staging, "new-"));
    writeFileSync(path.join(staged, "model.onnx"), bytes);
    renameSync(staged, path.join(this.path, name, version));
  }

  /** Adds a file to a model that is there. @param parts - Model name, then directories and the file's name. */
  addFile(content: string | Uint8Array, ...parts: readonly string[]): void {
    writeFileSync(path.join(this.path, ...parts), content);
  }

  /** Takes a model away, or part of it. @param parts - Model name, then directories and a file inside. */
  delete(...parts: readonly string[]): void {
    rmSync(path.join(this.path, ...parts), { recursive: true, force: true });
  }

  /** Replaces one file of a model in one step. */
  replaceFile(content: string | Uint8Array, ...parts: readonly string[]): void {
    const staged = path.join(mkdtempSync(path.join(this.#staging, "new-")), "file");
    writeFileSync(staged, content);
    renameSync(staged, path.join(this.path, ...parts));
  }

  remove(): void {
    rmSync(this.#root, { recursive: true, force: true });
  }
}

/** A repository for the tests of the surrounding `describe`; there while they run. */
export interface SuiteRepository {
  readonly current: TemporaryRepository;
}

/** Makes a repository before the tests of the surrounding `describe`, and removes it after them. */
export function useRepository(fill: (repository: TemporaryRepository) => void): SuiteRepository {
  let repository: TemporaryRepository | null = null;
  before(() => {
    repository = new TemporaryRepository();
    fill(repository);
  });
  after(() => repository?.remove());
  return {
    get current(): TemporaryRepository {
      if (repository === null) throw new Error("The repository is there only while tests run");
      return repository;
    },
  };
}
