import type { ModelConfigFields } from "../model-config/model-config.gen.ts";
import type { ModelConfig } from "../model-config/model-config.ts";
import type { LoadedVersions } from "./loaded-model.ts";

/** A model's directory, as the repository found it. */
export interface ModelSource {
  readonly name: string;
  readonly directory: string;
  /** Path of its repository with `--model-namespacing`, else "". */
  readonly namespace: string;
  /** Text that takes the place of the config file; `null`: none. */
  readonly configOverride: string | null;
  /** The versions that serve now and are not broken: those that are still right may go on. */
  readonly serving: LoadedVersions;
  /** What the files looked like that a version consists of; `null`: it is always loaded anew. */
  filesOf(version: string): string | null;
  /** Version numbers that have a directory, ascending. */
  readonly versions: readonly number[];
  /** Called when the config is known, before anything else of the directory is used. Throws when it must not be. */
  onConfig(config: ModelConfig): Promise<void>;
  /** Picks the versions to serve, once the config is known. Throws when there are none. */
  selectVersions(config: ModelConfig): readonly number[];
  /** Called for each version when its loading begins. */
  onLoading(version: string): void;
  /** Called for each version with what its author and the model itself say of the config, without defaults. */
  onCompleted?(fields: ModelConfigFields): void;
}
