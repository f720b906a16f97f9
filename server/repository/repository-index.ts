import { type ModelEntries, modelKey } from "./model-entries.ts";
import type { ModelEntry, VersionState } from "./model-entry.ts";
import type { ModelName } from "./model-names.ts";

/** One row of the repository index. */
export interface ModelIndexRow {
  readonly name: string;
  /** Path of the repository with `--model-namespacing`, else "". */
  readonly namespace: string;
  /** "" for a model of which no version is known. */
  readonly version: string;
  /** "" for a model that was never loaded. */
  readonly state: VersionState | "";
  /** Why it is not READY, or why something newer is not; "" when there is nothing to say. */
  readonly reason: string;
}

/** The reason of a model that is not served because its name is not its own. */
export const duplicateReason = "model appears in two or more repositories";

/**
 * Rows of one model, by version. A version that goes on serving because what should replace it does not come up says why,
 * unless the row of another version does.
 */
export function indexRowsOf(entry: ModelEntry): ModelIndexRow[] {
  const { name, namespace, failureReason, restlessReason } = entry;
  if (entry.versions.size === 0) {
    const reason = failureReason === "" ? restlessReason : failureReason;
    return [{ name, namespace, version: "", state: "UNAVAILABLE", reason }];
  }
  const isTold = [...entry.versions.values()].some(({ reason }) => reason === failureReason);
  const pending = failureReason === "" || isTold ? restlessReason : failureReason;
  return [...entry.versions]
    .sort(([a], [b]) => Number(a) - Number(b))
    .map(([version, { state, reason }]) => {
      return {
        name,
        namespace,
        version,
        state,
        reason: state === "READY" && reason === "" ? pending : reason,
      };
    });
}

/**
 * The index of the model repository extension: what is in the repositories, and how far each is. Models without a
 * directory (loaded from a client's files) are not in it, as in Triton.
 *
 * @param names - The model directories of all repositories.
 * @param isNamespacing - Names are told apart by their repositories.
 * @param entries - What is known of the models.
 * @see contract §1.10
 */
export function repositoryIndex(
  names: readonly ModelName[],
  isNamespacing: boolean,
  entries: Pick<ModelEntries, "get">,
): ModelIndexRow[] {
  const counts = new Map<string, number>();
  const identities = names.map(({ name, repository }) => ({
    name,
    namespace: isNamespacing ? repository : "",
  }));
  for (const identity of identities)
    counts.set(modelKey(identity), (counts.get(modelKey(identity)) ?? 0) + 1);
  const once = new Map(identities.map((identity) => [modelKey(identity), identity]));
  return [...once]
    .sort(([, a], [, b]) => (`${a.name}\0${a.namespace}` < `${b.name}\0${b.namespace}` ? -1 : 1))
    .flatMap(([key, identity]): readonly ModelIndexRow[] => {
      if ((counts.get(key) ?? 0) > 1) {
        return [{ ...identity, version: "", state: "UNAVAILABLE", reason: duplicateReason }];
      }
      const entry = entries.get(identity);
      return entry === undefined ? [{ ...identity, version: "", state: "", reason: "" }] : indexRowsOf(entry);
    });
}
