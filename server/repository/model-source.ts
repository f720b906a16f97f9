import path from "node:path";
import { AdvisedError } from "../core/advised-error.ts";
import type { Logger } from "../logging/logger.ts";
import type { ModelConfig } from "../model-config/model-config.ts";
import type { ModelSource } from "../model/model-source.ts";
import type { ModelEntry } from "./model-entry.ts";
import type { LoadPlan } from "./model-lifecycle.ts";
import { runLoadAgents } from "./agents/repository-agents.ts";
import { listVersionDirectories } from "./version-directories.ts";
import { selectVersions } from "./version-policy.ts";

/**
 * Looks into a model's directory and describes it to the loader.
 *
 * @param entry - What serves now.
 * @param onLoading - Called for each version when its loading begins.
 * @throws StatusError when the directory cannot be read.
 */
export async function openModelSource(
  { found, configOverride, overrideDirectory }: LoadPlan,
  entry: ModelEntry,
  logger: Logger,
  onLoading: (version: string) => void,
): Promise<ModelSource> {
  const { versions, ignored } = await listVersionDirectories(found.directory);
  for (const sentence of ignored) logger.warning(sentence);
  return {
    name: found.name,
    directory: found.directory,
    namespace: entry.namespace,
    configOverride,
    serving: entry.isBroken()
      ? new Map()
      : new Map(entry.readyModels().map((model) => [model.version, model])),
    filesOf: (version) => {
      const { versions: files, others } = found.fingerprint;
      return overrideDirectory === null
        ? JSON.stringify([found.directory, files[version] ?? "", others])
        : null;
    },
    versions,
    onConfig: (config) => runLoadAgents(config, found.directory),
    selectVersions: (config: ModelConfig) => {
      const { selected, missing } = selectVersions(config.versionPolicy, versions);
      for (const version of missing) {
        logger.warning(
          `Model '${found.name}': the version policy names version ${version}, which has no directory`,
        );
      }
      if (selected.length === 0) {
        throw new AdvisedError(
          "INVALID_ARG",
          `at least one version must be available under the version policy of model '${found.name}'; ` +
            (versions.length === 0
              ? `'${found.directory}' has no version directory (a directory named by a number, such as 1)`
              : `'${found.directory}' has version(s) ${versions.join(", ")}`),
          versions.length === 0
            ? {
                file: found.directory,
                fix: `make a directory ${path.join(found.directory, "1")}, ${config.ensembleScheduling === null ? "with the model's file" : "which may be empty"}`,
              }
            : { path: "version_policy", fix: "select a version that is there, or add the one that is meant" },
        );
      }
      return selected;
    },
    onLoading,
  };
}
