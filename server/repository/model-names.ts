import type { Dirent } from "node:fs";
import { readdir, stat } from "node:fs/promises";
import path from "node:path";
import { StatusError } from "../core/status.ts";

/** A model directory, not looked into. */
export interface ModelName {
  readonly name: string;
  /** Path of the repository that has it. */
  readonly repository: string;
}

/**
 * Lists the model directories of all repositories without looking into them.
 *
 * @returns By repository, then by name.
 * @throws StatusError INTERNAL when a repository is not a readable directory.
 */
export async function listModelNames(repositories: readonly string[]): Promise<ModelName[]> {
  const names: ModelName[] = [];
  for (const repository of new Set(repositories)) {
    for (const entry of await entriesOf(repository)) {
      if (entry.name.startsWith(".") || !(await leadsToDirectory(entry, repository))) continue;
      names.push({ name: entry.name, repository });
    }
  }
  return names;
}

async function entriesOf(repository: string): Promise<Dirent[]> {
  try {
    const entries = await readdir(repository, { withFileTypes: true });
    return entries.sort((a, b) => (a.name < b.name ? -1 : 1));
  } catch (thrown) {
    const { message } = thrown as NodeJS.ErrnoException;
    throw new StatusError("INTERNAL", `failed to read model repository '${repository}': ${message}`);
  }
}

async function leadsToDirectory(entry: Dirent, parent: string): Promise<boolean> {
  if (!entry.isSymbolicLink()) return entry.isDirectory();
  return stat(path.join(parent, entry.name)).then(
    (target) => target.isDirectory(),
    () => false,
  );
}
