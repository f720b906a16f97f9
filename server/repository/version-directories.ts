import type { Dirent } from "node:fs";
import { readdir } from "node:fs/promises";
import { StatusError } from "../core/status.ts";

/** Directories beside the versions that have a meaning of their own. */
const reservedNames: readonly string[] = ["warmup", "initial_state", "configs", "golden"];

/** The version directories of one model. */
export interface VersionDirectories {
  /** Ascending version numbers. */
  readonly versions: readonly number[];
  /** Why other directories are not versions, one sentence each, for the log. */
  readonly ignored: readonly string[];
}

/**
 * Finds a model's versions: sub-directories whose name is a decimal number without leading zeros.
 *
 * @throws StatusError NOT_FOUND or INTERNAL when the model's directory cannot be read.
 * @see contract §5.2
 */
export async function listVersionDirectories(modelDirectory: string): Promise<VersionDirectories> {
  const versions: number[] = [];
  const ignored: string[] = [];
  for (const entry of await readModelDirectory(modelDirectory)) {
    if (reservedNames.includes(entry.name)) continue;
    if (!(await isDirectory(entry, modelDirectory))) {
      if (entry.isSymbolicLink() && /^[0-9]+$/.test(entry.name)) {
        ignored.push(
          `Ignoring version directory '${entry.name}' of '${modelDirectory}': it is a link that leads to no directory`,
        );
      }
      continue;
    }
    if (/^(0|[1-9][0-9]*)$/.test(entry.name) && Number.isSafeInteger(Number(entry.name))) {
      versions.push(Number(entry.name));
    } else if (/^0[0-9]+$/.test(entry.name)) {
      ignored.push(`Ignoring version directory '${entry.name}' of '${modelDirectory}': it has leading zeros`);
    } else {
      ignored.push(
        `Ignoring version directory '${entry.name}' of '${modelDirectory}': its name fails to convert to integral number`,
      );
    }
  }
  return { versions: versions.sort((a, b) => a - b), ignored };
}

async function readModelDirectory(modelDirectory: string): Promise<Dirent[]> {
  try {
    return await readdir(modelDirectory, { withFileTypes: true });
  } catch (thrown) {
    const { code, message } = thrown as NodeJS.ErrnoException;
    throw new StatusError(
      code === "ENOENT" ? "NOT_FOUND" : "INTERNAL",
      `cannot read '${modelDirectory}': ${message}`,
    );
  }
}

async function isDirectory(entry: Dirent, parent: string): Promise<boolean> {
  if (!entry.isSymbolicLink()) return entry.isDirectory();
  // A link to a directory is a version as well; reading it tells which it is.
  return readdir(`${parent}/${entry.name}`).then(
    () => true,
    () => false,
  );
}
