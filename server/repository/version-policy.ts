import type { VersionPolicy } from "../model-config/model-config.ts";

/** The versions that a policy serves, and the ones it names in vain. */
export interface SelectedVersions {
  /** Ascending. */
  readonly selected: readonly number[];
  /** Versions that a `specific` policy names and that have no directory. */
  readonly missing: readonly number[];
}

/**
 * Applies a version policy to the versions that exist.
 * @see contract §5.3
 */
export function selectVersions(policy: VersionPolicy, existing: readonly number[]): SelectedVersions {
  const ascending = existing.toSorted((a, b) => a - b);
  switch (policy.kind) {
    case "latest":
      return { selected: policy.numVersions === 0 ? [] : ascending.slice(-policy.numVersions), missing: [] };
    case "all":
      return { selected: ascending, missing: [] };
    case "specific":
      return {
        selected: ascending.filter((version) => policy.versions.includes(version)),
        missing: policy.versions.filter((version) => !existing.includes(version)),
      };
  }
}
