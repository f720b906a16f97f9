import type { Logger } from "../logging/logger.ts";
import { type ModelEntries, type ModelIdentity, modelKey } from "./model-entries.ts";
import type { ModelEntry } from "./model-entry.ts";
import type { FoundModel } from "./scan/find-models.ts";

/** So long may a directory change before somebody should hear of it: copying a large model takes its time. */
const patienceUs = 60_000_000;

/** What watching restless models needs of the repository manager. */
export interface RestlessModelsParts {
  readonly entries: ModelEntries;
  readonly logger: Logger;
  /** How long a directory must be left alone before its model is loaded, ms. */
  readonly settleMs: number;
}

/**
 * Models whose directories do not come to rest, so that what changes in them is never loaded: the log hears of each once,
 * the index tells it until they do.
 */
export class RestlessModels {
  readonly #parts: RestlessModelsParts;
  /** By key. */
  readonly #restless = new Map<string, ModelEntry>();

  constructor(parts: RestlessModelsParts) {
    this.#parts = parts;
  }

  /**
   * A directory was looked at that has not come to rest.
   *
   * @param waitedUs - For how long it has been waited for.
   */
  note(found: FoundModel, identity: ModelIdentity, waitedUs: number): void {
    if (waitedUs < patienceUs) return;
    const { entries, logger } = this.#parts;
    const entry = entries.obtain(identity);
    const reason = this.#reasonOf(found, waitedUs);
    if (entry.restlessReason === "") {
      const what = entry.latestReady === null ? "is not loaded" : "is served as it was before";
      logger.warning(`Model '${found.name}' ${what}: ${reason}`);
    }
    entry.restlessReason = reason;
    this.#restless.set(modelKey(identity), entry);
  }

  /** Forgets all but these: they have come to rest, or are gone. */
  keepOnly(keys: ReadonlySet<string>): void {
    for (const [key, entry] of this.#restless) {
      if (keys.has(key)) continue;
      this.#restless.delete(key);
      entry.restlessReason = "";
      // Nothing else was known of it.
      if (entry.versions.size === 0 && entry.failureReason === "") this.#parts.entries.delete(entry);
    }
  }

  #reasonOf({ directory, fingerprint: { newestPath } }: FoundModel, waitedUs: number): string {
    const newest = newestPath === "" ? "" : `, most recently '${newestPath}'`;
    return (
      `'${directory}' has been changing for ${Math.round(waitedUs / 1e6)} s${newest}. It is loaded when nothing in it ` +
      `has changed for ${this.#parts.settleMs} ms: write the model elsewhere and move it here when it is complete, ` +
      "and keep files that are written all the time, such as logs, out of it"
    );
  }
}
