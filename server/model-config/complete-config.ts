import { autofillBackend, type BackendSearch, type ResolvedBackend } from "./backend-autofill.ts";
import { ConfigProblems } from "./config-problems.ts";
import type { ModelConfigFields } from "./model-config.gen.ts";
import type { ModelConfig } from "./model-config.ts";
import type { Signature } from "./model-signature.ts";
import { normaliseModelConfig } from "./normalise-config.ts";
import { autocompleteFromSignature } from "./signature-autocomplete.ts";
import { checkAgainstSignature } from "./signature-check.ts";
import { validateModelConfig } from "./validate-config.ts";
import { validateEnsemble } from "./validate-ensemble.ts";
import { validateResponseCache } from "./validate-response-cache.ts";

/** A config before its model was loaded: everything that needs no model has been filled in and checked. */
export interface ModelConfigDraft {
  /**
   * Enough to load the first instance: backend, file, instance groups, parameters and optimization are final. The
   * batch size, the scheduler, inputs and outputs may still be filled in from the model.
   */
  readonly config: ModelConfig;
  /** @internal The author's own fields, which the completion starts from. */
  readonly fields: ModelConfigFields;
  /** @internal */
  readonly resolved: ResolvedBackend;
  /** @internal Where the config came from, for messages. */
  readonly subject: string;
  /** @internal */
  readonly isAutoCompleteEnabled: boolean;
}

/** A config that is ready to be served. */
export interface CompletedModelConfig {
  readonly config: ModelConfig;
  /** A line for the log about each thing that was filled in and that its author may want to know of. */
  readonly notices: readonly string[];
}

/**
 * The part of {@link completeModelConfig} that needs no model: finds the backend, fills in defaults and checks the
 * rules between fields, so that a wrong config is refused before a model is loaded.
 *
 * @throws StatusError INVALID_ARG or UNSUPPORTED with one problem per line.
 */
export function draftModelConfig(search: BackendSearch): ModelConfigDraft {
  const { document, modelName, isAutoCompleteEnabled } = search;
  const resolved = autofillBackend(search);
  const fields = document?.fields ?? {};
  const subject = document?.file ?? `model '${modelName}'`;
  const config = normaliseModelConfig(fields, modelName, resolved);
  const problems = new ConfigProblems(subject);
  validateModelConfig(config, problems);
  validateEnsemble(fields, config, problems);
  validateResponseCache(fields, problems);
  problems.throwIfAny();
  return { config, fields, resolved, subject, isAutoCompleteEnabled };
}

/**
 * Completes a config from the model that it describes, and checks it against that model. The only maker of a
 * {@link ModelConfig} that is served.
 *
 * @param draft - From {@link draftModelConfig}.
 * @param signature - Of the model that was loaded by the draft.
 * @param defaultMaxBatchSize - The backend's `default-max-batch-size`, for models that batch and whose config does
 * not say.
 * @throws StatusError INVALID_ARG or UNSUPPORTED with one problem per line, each with the model's name.
 */
export function completeModelConfig(
  draft: ModelConfigDraft,
  signature: Signature,
  defaultMaxBatchSize: number,
): CompletedModelConfig {
  const modelName = draft.config.name;
  const { fields, notices } = autocomplete(draft, signature, defaultMaxBatchSize);
  const config = normaliseModelConfig(fields, modelName, draft.resolved);

  // Once more: what came from the model has to keep the rules, and the batch size may have changed.
  const problems = new ConfigProblems(draft.subject);
  validateModelConfig(config, problems);
  problems.throwIfAny();

  const differences = new ConfigProblems(`model '${modelName}'`);
  checkAgainstSignature(config, signature, differences);
  differences.throwIfAny();
  return { config, notices: notices.map((notice) => `Model '${modelName}': ${notice}`) };
}

function autocomplete(
  draft: ModelConfigDraft,
  signature: Signature,
  defaultMaxBatchSize: number,
): { readonly fields: ModelConfigFields; readonly notices: readonly string[] } {
  if (!draft.isAutoCompleteEnabled) return { fields: draft.fields, notices: [] };
  const problems = new ConfigProblems(`autofill failed for model '${draft.config.name}'`);
  const completed = autocompleteFromSignature(draft.fields, signature, defaultMaxBatchSize, problems);
  problems.throwIfAny();
  return completed;
}
