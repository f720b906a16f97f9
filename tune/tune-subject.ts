import type { ModelConfigFields } from "../server/model-config/model-config.gen.ts";
import type { CandidateSettings } from "./candidate-settings.ts";

/** A model to tune, as it is now. */
export interface TuneSubject {
  readonly name: string;
  readonly directory: string;
  /** Path of its `config.json` or `config.pbtxt`; `null` when it has neither. */
  readonly configFile: string | null;
  /** The content of {@link configFile}; `null` without one. */
  readonly configText: string | null;
  /** What its author wrote, in canonical form. */
  readonly fields: ModelConfigFields;
  /** What it is served with. */
  readonly current: CandidateSettings;
  /** Why a setting of {@link CandidateSettings} cannot be tuned; `null` where it can. */
  readonly obstacles: Readonly<Record<keyof CandidateSettings, string | null>>;
}
