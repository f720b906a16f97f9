import { mkdir, mkdtemp, realpath, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { StatusError } from "../core/status.ts";

/**
 * A directory with the files that a client sent with a load, in place of a model's directory.
 *
 * @remarks
 * Private to the server's user, and gone with the last of its holders: instances that are started again read their
 * files again, so each version that was loaded from here holds it until it has been released.
 */
export class OverrideDirectory {
  /** Absolute, without links. */
  readonly path: string;
  #holderCount = 1;
  #removed: Promise<void> | null = null;

  private constructor(directory: string) {
    this.path = directory;
  }

  /**
   * Writes the files. The caller is the first holder.
   *
   * @param files - Contents by path relative to the directory.
   * @throws StatusError INVALID_ARG for a path that leads out of the directory: nothing is written then; INTERNAL when
   * a file cannot be written.
   */
  static async write(files: ReadonlyMap<string, Uint8Array>): Promise<OverrideDirectory> {
    for (const name of files.keys()) checkFilePath(name);
    const directory = new OverrideDirectory(
      await mkdtemp(path.join(await realpath(tmpdir()), "nereid-model-")),
    );
    for (const [name, content] of files) {
      try {
        const file = path.resolve(directory.path, name);
        await mkdir(path.dirname(file), { recursive: true, mode: 0o700 });
        // Exclusively: two names may mean one file, and none of them is what the client wants.
        await writeFile(file, content, { flag: "wx", mode: 0o600 });
      } catch (thrown) {
        await directory.remove();
        const { code = "unknown error" } = thrown as NodeJS.ErrnoException;
        throw new StatusError("INTERNAL", `cannot write file override '${name}': ${code}`, { cause: thrown });
      }
    }
    return directory;
  }

  /** Adds a holder. */
  hold(): void {
    this.#holderCount++;
  }

  /** One holder less. The last one removes the directory. */
  async release(): Promise<void> {
    this.#holderCount--;
    if (this.#holderCount === 0) await this.remove();
  }

  /** Removes the directory, whoever holds it: for the end of the server. May be called more than once. */
  remove(): Promise<void> {
    // Windows keeps files for a moment after their last user has closed them.
    this.#removed ??= rm(this.path, { recursive: true, force: true, maxRetries: 3 });
    return this.#removed;
  }
}

/** Throws unless the path names something inside of whatever directory it is relative to. */
function checkFilePath(name: string): void {
  const normal = path.normalize(name);
  const leadsOut = path.parse(normal).root !== "" || normal.split(path.sep)[0] === "..";
  const namesNoFile = normal === "." || normal.endsWith(path.sep) || name.includes("\0");
  if (!leadsOut && !namesNoFile) return;
  throw new StatusError(
    "INVALID_ARG",
    `file override '${name}' is not a path inside of the model's directory: write 'file:<version>/<path>'`,
  );
}
