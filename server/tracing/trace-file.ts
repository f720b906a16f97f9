import { type FileHandle, open, writeFile } from "node:fs/promises";
import { entrySeparator } from "./trace-entries.ts";

/**
 * The trace file: `path` itself, which grows until {@link close}, and complete files `path.0`, `path.1`, … Every one of
 * them is a JSON array. One method at a time: the caller waits for each.
 */
export class TraceFile {
  readonly #path: string;
  #handle: FileHandle | null = null;
  #nextIndex = 0;

  constructor(path: string) {
    this.#path = path;
  }

  /** Adds entries to the file itself. What an earlier server left there is overwritten. */
  async append(entries: string): Promise<void> {
    let before = entrySeparator;
    if (this.#handle === null) {
      this.#handle = await open(this.#path, "w");
      before = "[\n";
    }
    await this.#handle.appendFile(before + entries);
  }

  /** Writes entries into the next file with an index. */
  async writeIndexed(entries: string): Promise<void> {
    await writeFile(`${this.#path}.${this.#nextIndex++}`, `[\n${entries}\n]\n`);
  }

  /** Completes the file itself; it is there only when something was added. */
  async close(): Promise<void> {
    const handle = this.#handle;
    if (handle === null) return;
    this.#handle = null;
    try {
      await handle.appendFile("\n]\n");
    } finally {
      await handle.close();
    }
  }
}
