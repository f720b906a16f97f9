import { constants, existsSync } from "node:fs";
import { cp, mkdir, mkdtemp, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";

/** A model's directory, and the name that it is served under. */
export interface CopiedModel {
  readonly name: string;
  readonly directory: string;
}

/** Copies of models in a directory of their own: what others do to the originals meanwhile does not matter. */
export class PrivateRepository {
  readonly path: string;
  readonly #root: string;

  private constructor(root: string) {
    this.#root = root;
    this.path = path.join(root, "models");
  }

  /** Copies the models. Where the disk can do so, a copy shares the original's blocks. */
  static async make(models: readonly CopiedModel[]): Promise<PrivateRepository> {
    const repository = new PrivateRepository(await mkdtemp(path.join(tmpdir(), "nereid-tune-")));
    try {
      await mkdir(repository.path);
      for (const { name, directory } of models) {
        await cp(directory, path.join(repository.path, name), {
          recursive: true,
          dereference: true,
          mode: constants.COPYFILE_FICLONE,
        });
      }
      await repository.#linkPackages(models);
      return repository;
    } catch (thrown) {
      await repository.remove();
      throw thrown;
    }
  }

  async remove(): Promise<void> {
    await rm(this.#root, { recursive: true, force: true });
  }

  /** Code of a model finds packages in the directories above it: those are not copied. */
  async #linkPackages(models: readonly CopiedModel[]): Promise<void> {
    const packages = models.map(({ directory }) => packagesAbove(path.resolve(directory)));
    const found = packages.find((each) => each !== null) ?? null;
    // A junction needs no rights on Windows; other systems ignore the word.
    if (found !== null) await symlink(found, path.join(this.#root, "node_modules"), "junction");
  }
}

function packagesAbove(directory: string): string | null {
  const parent = path.dirname(directory);
  const candidate = path.join(parent, "node_modules");
  if (existsSync(candidate)) return candidate;
  return parent === directory ? null : packagesAbove(parent);
}
