import type { Dirent } from "node:fs";
import { readdir, stat } from "node:fs/promises";
import path from "node:path";
import { StatusError } from "../core/status.ts";

/** A model's directory as the last scan found it. */
export interface FoundModel {
  readonly name: string;
  readonly directory: string;
  /** Newest modification time of anything in the directory, ms since 1970. */
  readonly modifiedMs: number;
}

/** What is in all repositories. */
export interface RepositoryScan {
  readonly models: ReadonlyMap<string, FoundModel>;
  /** Names found in two or more repositories: none of them is served. */
  readonly duplicates: readonly string[];
}

/** Names of the model directories in all repositories. */
export interface ModelNames {
  /** Each once, sorted. */
  readonly names: readonly string[];
  /** Those of them that two or more repositories have. */
  readonly duplicates: readonly string[];
}

/**
 * Lists the model directories without looking into them.
 *
 * @throws StatusError when a repository is not a readable directory.
 */
export async function listModelNames(repositories: readonly string[]): Promise<ModelNames> {
  const names = new Set<string>();
  const duplicates = new Set<string>();
  for (const repository of repositories) {
    for (const name of await modelNames(repository)) {
      if (names.has(name)) duplicates.add(name);
      names.add(name);
    }
  }
  return { names: [...names].sort(), duplicates: [...duplicates] };
}

/**
 * Looks for one model in all repositories. The name is compared with what is there: no path is made of it.
 *
 * @returns Its directories, one for each repository that has it.
 * @throws StatusError when a repository is not a readable directory.
 */
export async function findModelDirectories(
  repositories: readonly string[],
  name: string,
): Promise<FoundModel[]> {
  const found: FoundModel[] = [];
  for (const repository of repositories) {
    if (!(await modelNames(repository)).includes(name)) continue;
    const directory = path.join(repository, name);
    found.push({ name, directory, modifiedMs: await newestModification(directory) });
  }
  return found;
}

/**
 * Looks at every model directory of the repositories. Each sub-directory is a model; plain files are ignored.
 *
 * @throws StatusError when a repository is not a readable directory.
 */
export async function scanRepositories(repositories: readonly string[]): Promise<RepositoryScan> {
  const models = new Map<string, FoundModel>();
  const duplicates = new Set<string>();
  for (const repository of repositories) {
    for (const name of await modelNames(repository)) {
      if (models.has(name)) duplicates.add(name);
      const directory = path.join(repository, name);
      models.set(name, { name, directory, modifiedMs: await newestModification(directory) });
    }
  }
  for (const name of duplicates) models.delete(name);
  return { models, duplicates: [...duplicates] };
}

async function modelNames(repository: string): Promise<string[]> {
  let entries: Dirent[];
  try {
    entries = await readdir(repository, { withFileTypes: true });
  } catch (thrown) {
    const { message } = thrown as NodeJS.ErrnoException;
    throw new StatusError("INTERNAL", `failed to read model repository '${repository}': ${message}`);
  }
  const names: string[] = [];
  for (const entry of entries) {
    if (entry.name.startsWith(".")) continue;
    const isDirectory = entry.isSymbolicLink()
      ? await stat(path.join(repository, entry.name)).then(
          (target) => target.isDirectory(),
          () => false,
        )
      : entry.isDirectory();
    if (isDirectory) names.push(entry.name);
  }
  return names.sort();
}

/** Directories count as well, so that a deletion is noticed. What cannot be read counts as unchanged. */
async function newestModification(directory: string): Promise<number> {
  let newest = await modificationOf(directory);
  const entries = await readdir(directory, { withFileTypes: true, recursive: true }).catch(() => []);
  for (const entry of entries) {
    newest = Math.max(newest, await modificationOf(path.join(entry.parentPath, entry.name)));
  }
  return newest;
}

async function modificationOf(file: string): Promise<number> {
  return stat(file).then(
    (found) => found.mtimeMs,
    () => 0,
  );
}
