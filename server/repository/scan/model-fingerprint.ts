import { createHash, type Hash } from "node:crypto";
import { readdirSync, type Stats, statSync } from "node:fs";
import path from "node:path";

/**
 * What a model's directory looked like: paths, sizes and modification times of all that is in it, each part as one
 * short text. Two looks that give the same text saw the same files.
 *
 * @remarks Survives structured cloning. Times alone would miss a file with a time in the past that takes another's place.
 */
export interface ModelFingerprint {
  /** Everything, the times of directories included. */
  readonly whole: string;
  /** By the name of the version directory: the files in it. */
  readonly versions: Readonly<Record<string, string>>;
  /** Files that belong neither to a version nor to the configuration: labels, golden requests and the like. */
  readonly others: string;
  /** Newest modification time of anything in the directory, ms since 1970; 0 when it cannot be read. */
  readonly modifiedMs: number;
  /** What was modified then, relative to the directory; "" for the directory itself. */
  readonly newestPath: string;
}

/** What holds a model's configuration: changes of it are told by comparing configurations. */
const configNames: ReadonlySet<string> = new Set(["config.json", "config.pbtxt", "configs"]);

/**
 * Entries of one model that are looked at, in the order of their names. More only by accident, such as a link to the
 * root directory, which must not keep the scan from the other models.
 */
const maxEntryCount = 20_000;

/**
 * Looks at a model's directory. Blocks while the disk answers: for the scan thread, and for the time before the server
 * listens.
 *
 * @remarks Links count as where they lead, so that a linked version directory is looked into. What cannot be read counts
 * as unreadable, and as changed when that ends.
 */
export function fingerprintModel(directory: string): ModelFingerprint {
  const walk = new Walk(createHash("sha256"));
  const own = walk.visit(directory, "");
  const versions: Record<string, string> = {};
  const others = createHash("sha256");
  if (own?.isDirectory() === true) {
    for (const name of namesIn(directory)) {
      const isVersion = /^[0-9]+$/.test(name);
      const part = createHash("sha256");
      walk.part = isVersion ? part : configNames.has(name) ? null : others;
      walk.enter(path.join(directory, name), name, [own]);
      if (isVersion) versions[name] = part.digest("base64");
    }
  }
  return {
    whole: walk.whole.digest("base64"),
    versions,
    others: others.digest("base64"),
    modifiedMs: walk.modifiedMs,
    newestPath: walk.newestPath,
  };
}

class Walk {
  readonly whole: Hash;
  /** Gets the files as well; `null`: only {@link whole} does. */
  part: Hash | null = null;
  modifiedMs = 0;
  newestPath = "";
  #entryCount = 0;

  constructor(whole: Hash) {
    this.whole = whole;
  }

  /** Notes one entry. @returns What it is, or `null` when it cannot be looked at. */
  visit(file: string, name: string): Stats | null {
    const found = statOf(file);
    if (found === null) {
      this.whole.update(`${name}\0unreadable\0`);
      this.part?.update(`${name}\0unreadable\0`);
      return null;
    }
    // A directory is visited before what is in it, and a file that was made is as new as its directory.
    if (found.mtimeMs >= this.modifiedMs) {
      this.modifiedMs = found.mtimeMs;
      this.newestPath = name;
    }
    const isDirectory = found.isDirectory();
    this.whole.update(`${name}\0${found.mtimeMs}\0${isDirectory ? "directory" : found.size}\0`);
    // A directory's time says only that something in it came or went, which the names say too.
    this.part?.update(isDirectory ? `${name}\0directory\0` : `${name}\0${found.mtimeMs}\0${found.size}\0`);
    return found;
  }

  /** Notes an entry and all below it. @param above - The directories that lead to it: a link back to one is not followed. */
  enter(file: string, name: string, above: readonly Stats[]): void {
    if (++this.#entryCount > maxEntryCount) return;
    const found = this.visit(file, name);
    if (found?.isDirectory() !== true) return;
    if (above.some(({ dev, ino }) => dev === found.dev && ino === found.ino)) return;
    for (const child of namesIn(file)) {
      this.enter(path.join(file, child), `${name}/${child}`, [...above, found]);
    }
  }
}

function namesIn(directory: string): string[] {
  try {
    return readdirSync(directory).sort();
  } catch {
    return [];
  }
}

function statOf(file: string): Stats | null {
  try {
    return statSync(file, { throwIfNoEntry: false }) ?? null;
  } catch {
    return null;
  }
}
