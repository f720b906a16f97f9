import type { InstanceChange } from "./instance-set.ts";
import type { Model } from "./model.ts";

/** The versions of one model that loaded together, by decimal version number. */
export type LoadedVersions = ReadonlyMap<string, Model>;

/** A model that is ready to take the place of what serves. Either method is called, once. */
export interface LoadedModel {
  /** Those of {@link ModelSource.serving} that go on serving are among them. */
  readonly versions: LoadedVersions;
  /** Changes the instances of the versions that go on serving, without disturbing them. */
  apply(): void;
  /** Releases everything that is not in use. */
  discard(): Promise<void>;
}

/**
 * Puts a load's outcome together.
 *
 * @param versions - Everything that is to serve.
 * @param fresh - Those of them that were loaded for it.
 * @param changes - What changes at those that go on serving.
 */
export function loadedModel(
  versions: LoadedVersions,
  fresh: readonly Model[],
  changes: readonly InstanceChange[],
): LoadedModel {
  return {
    versions,
    apply: () => {
      for (const change of changes) change.apply();
    },
    discard: async () => {
      await Promise.all([
        ...fresh.map((model) => model.terminate()),
        ...changes.map((change) => change.discard()),
      ]);
    },
  };
}
