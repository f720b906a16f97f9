import { type ModelIdentity, modelKey } from "./model-entries.ts";
import type { FoundModel } from "./scan/find-models.ts";

/** What a scan means: which models there are, and which names are not their own. */
export interface RepositoryContents {
  /** By key. */
  readonly models: ReadonlyMap<string, FoundModel>;
  /** Models that two or more repositories have, none of which is served; by key. */
  readonly duplicates: ReadonlyMap<string, ModelIdentity>;
}

/** Who a found model is. */
export function identityOf(
  { name, repository }: Pick<FoundModel, "name" | "repository">,
  isNamespacing: boolean,
): ModelIdentity {
  return { name, namespace: isNamespacing ? repository : "" };
}

/** Sorts what a scan has found. */
export function contentsOf(found: readonly FoundModel[], isNamespacing: boolean): RepositoryContents {
  const models = new Map<string, FoundModel>();
  const duplicates = new Map<string, ModelIdentity>();
  for (const model of found) {
    const identity = identityOf(model, isNamespacing);
    const key = modelKey(identity);
    if (models.has(key)) duplicates.set(key, identity);
    models.set(key, model);
  }
  for (const key of duplicates.keys()) models.delete(key);
  return { models, duplicates };
}
