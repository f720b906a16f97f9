import { type Dirent, readdirSync, statSync } from "node:fs";
import path from "node:path";
import { StatusError } from "../../core/status.ts";
import { fingerprintModel, type ModelFingerprint } from "./model-fingerprint.ts";

/** A model's directory as the last look found it. Survives structured cloning. */
export interface FoundModel {
  readonly name: string;
  /** Path of the repository, as the option gives it. */
  readonly repository: string;
  readonly directory: string;
  readonly fingerprint: ModelFingerprint;
}

/**
 * Looks at every model directory of a repository. Each sub-directory is a model; plain files and hidden directories are
 * not. Blocks while the disk answers.
 *
 * @throws StatusError INTERNAL when the repository is not a readable directory.
 */
export function findModels(repository: string): FoundModel[] {
  return modelNamesOf(repository).map((name) => lookAtModel(repository, name));
}

/**
 * Looks for one model. The name is compared with what is there: no path is made of it.
 *
 * @returns `null` when the repository has no such model.
 * @throws StatusError as {@link findModels}.
 */
export function findModel(repository: string, name: string): FoundModel | null {
  return modelNamesOf(repository).includes(name) ? lookAtModel(repository, name) : null;
}

/**
 * Names of the model directories of a repository, sorted.
 *
 * @throws StatusError as {@link findModels}.
 */
export function modelNamesOf(repository: string): string[] {
  let entries: Dirent[];
  try {
    entries = readdirSync(repository, { withFileTypes: true });
  } catch (thrown) {
    const { message } = thrown as NodeJS.ErrnoException;
    throw new StatusError("INTERNAL", `failed to read model repository '${repository}': ${message}`);
  }
  return entries
    .filter((entry) => !entry.name.startsWith(".") && leadsToDirectory(entry, repository))
    .map(({ name }) => name)
    .sort();
}

function lookAtModel(repository: string, name: string): FoundModel {
  const directory = path.join(repository, name);
  return { name, repository, directory, fingerprint: fingerprintModel(directory) };
}

function leadsToDirectory(entry: Dirent, parent: string): boolean {
  if (!entry.isSymbolicLink()) return entry.isDirectory();
  try {
    return statSync(path.join(parent, entry.name)).isDirectory();
  } catch {
    return false;
  }
}
