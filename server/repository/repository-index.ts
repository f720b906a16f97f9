import type { ModelEntry, VersionState } from "./model-entry.ts";

/** One row of the repository index. */
export interface ModelIndexRow {
  readonly name: string;
  /** "" for a model of which no version is known. */
  readonly version: string;
  /** "" for a model that was never loaded. */
  readonly state: VersionState | "";
  /** Why it is not READY; "" when there is nothing to say. */
  readonly reason: string;
}

/** The reason of a model that is not served because its name is not its own. */
export const duplicateReason = "model appears in two or more repositories";

/** Rows of one model, by version. */
export function indexRowsOf(entry: ModelEntry): ModelIndexRow[] {
  const { name } = entry;
  if (entry.versions.size === 0) {
    return [{ name, version: "", state: "UNAVAILABLE", reason: entry.failureReason }];
  }
  return [...entry.versions]
    .sort(([a], [b]) => Number(a) - Number(b))
    .map(([version, { state, reason }]) => ({ name, version, state, reason }));
}

/**
 * The index of the model repository extension: what is in the repositories, and how far each is. Models without a
 * directory (loaded from a client's files) are not in it, as in Triton.
 *
 * @param found - Names of model directories; `duplicates` are those of them that appear more than once.
 * @param onlyReady - Leave out every version that is not READY.
 * @see contract §1.10
 */
export function repositoryIndex(
  found: { readonly names: readonly string[]; readonly duplicates: readonly string[] },
  entries: ReadonlyMap<string, ModelEntry>,
  onlyReady: boolean,
): ModelIndexRow[] {
  const rows = found.names.toSorted().flatMap((name): readonly ModelIndexRow[] => {
    if (found.duplicates.includes(name)) {
      return [{ name, version: "", state: "UNAVAILABLE", reason: duplicateReason }];
    }
    const entry = entries.get(name);
    return entry === undefined ? [{ name, version: "", state: "", reason: "" }] : indexRowsOf(entry);
  });
  return onlyReady ? rows.filter(({ state }) => state === "READY") : rows;
}
