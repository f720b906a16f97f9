import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach } from "mocha";

/** A directory of its own for each test of the surrounding `describe`. */
export interface TestDirectory {
  /** Path of something in the directory; of the directory itself without parts. */
  in(...parts: readonly string[]): string;
  /** Writes a file, and the directories that lead to it. Returns its path. */
  write(content: string | Uint8Array, ...parts: readonly string[]): string;
  /** Makes a directory, and those that lead to it. Returns its path. */
  make(...parts: readonly string[]): string;
  /** Removes a file, or a directory with all that is in it. */
  remove(...parts: readonly string[]): void;
}

/** Makes an empty directory before each test of the surrounding `describe`, and removes it after it. */
export function useTestDirectory(): TestDirectory {
  let root = "";
  beforeEach(() => {
    root = mkdtempSync(path.join(tmpdir(), "nereid-unit-"));
  });
  afterEach(() => rmSync(root, { recursive: true, force: true }));
  const pathOf = (...parts: readonly string[]): string => path.join(root, ...parts);
  return {
    in: pathOf,
    write: (content, ...parts) => {
      const file = pathOf(...parts);
      mkdirSync(path.dirname(file), { recursive: true });
      writeFileSync(file, content);
      return file;
    },
    remove: (...parts) => rmSync(pathOf(...parts), { recursive: true }),
    make: (...parts) => {
      const directory = pathOf(...parts);
      mkdirSync(directory, { recursive: true });
      return directory;
    },
  };
}
