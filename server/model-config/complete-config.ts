import { autofillBackend, type BackendSearch, type ResolvedBackend } from "./backend-autofill.ts";
import { ConfigProblems, type ConfigSource } from "./config-problems.ts";
import type { ModelConfigFields } from "./model-config.gen.ts";
import type { ModelConfig } from "./model-config.ts";
import { mergeCompletion } from "./config-completion.ts";
import type { Signature } from "./model-signature.ts";
import { normaliseModelConfig } from "./normalise-config.ts";
import { autocompleteFromSignature } from "./signature-autocomplete.ts";
import { checkAgainstSignature } from "./signature-check.ts";
import { validateModelConfig } from "./validate-config.ts";
import { validateControlInputs } from "./validate-control-inputs.ts";
import { validateEnsemble } from "./validate-ensemble.ts";
import { validateInitialStates } from "./validate-initial-states.ts";
import { validateModelMetrics } from "./validate-model-metrics.ts";
import { validateResponseCache } from "./validate-response-cache.ts";
import { validateWarmup } from "./validate-warmup.ts";

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
  /** @internal The config file, or `null` when there is none. */
  readonly source: ConfigSource | null;
  /** @internal */
  readonly isAutoCompleteEnabled: boolean;
}

/** What a loaded model says of itself. */
export interface DescribedModel {
  /** `null`: only the config says what the model takes and gives. */
  readonly signature: Signature | null;
  /** Fields in the form of `config.json` that count where the file leaves them out, or `null`. */
  readonly completion: object | null;
}

/** A config that is ready to be served. */
export interface CompletedModelConfig {
  readonly config: ModelConfig;
  /** What the author and the model say, without defaults. */
  readonly fields: ModelConfigFields;
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
  const problems = new ConfigProblems(subject, document);
  validateModelConfig(config, problems);
  validateControlInputs(fields, problems);
  validateInitialStates(fields, problems);
  checkTransactionPolicy(config, resolved, problems);
  checkPaddingIsPossible(config, resolved, problems);
  validateEnsemble(fields, config, problems);
  validateResponseCache(fields, problems);
  validateWarmup(fields, problems);
  validateModelMetrics(fields, problems);
  problems.throwIfAny();
  return { config, fields, resolved, subject, source: document, isAutoCompleteEnabled };
}

/**
 * Completes a config from the model that it describes, and checks it against that model. The only maker of a
 * {@link ModelConfig} that is served.
 *
 * @param draft - From {@link draftModelConfig}.
 * @param model - What the model that was loaded by the draft says of itself.
 * @param defaultMaxBatchSize - The backend's `default-max-batch-size`, for models that batch and whose config does
 * not say.
 * @throws StatusError INVALID_ARG or UNSUPPORTED with one problem per line, each with the model's name.
 */
export function completeModelConfig(
  draft: ModelConfigDraft,
  model: DescribedModel,
  defaultMaxBatchSize: number,
): CompletedModelConfig {
  const { signature } = model;
  const modelName = draft.config.name;
  const { fields, notices } = autocomplete(draft, model, defaultMaxBatchSize);
  const config = normaliseModelConfig(fields, modelName, draft.resolved);

  // Once more: what came from the model has to keep the rules, and the batch size may have changed.
  const problems = new ConfigProblems(draft.subject, draft.source);
  validateModelConfig(config, problems);
  checkTransactionPolicy(config, draft.resolved, problems);
  checkPaddingIsPossible(config, draft.resolved, problems);
  validateResponseCache(fields, problems);
  if (signature === null) checkTensorsGiven(config, draft, problems);
  problems.throwIfAny();
  if (signature === null) return { config, fields, notices };

  const differences = new ConfigProblems(`model '${modelName}'`, draft.source);
  checkAgainstSignature(config, signature, differences);
  differences.throwIfAny();
  return { config, fields, notices: notices.map((notice) => `Model '${modelName}': ${notice}`) };
}

function autocomplete(
  draft: ModelConfigDraft,
  model: DescribedModel,
  defaultMaxBatchSize: number,
): { readonly fields: ModelConfigFields; readonly notices: readonly string[] } {
  if (!draft.isAutoCompleteEnabled) return { fields: draft.fields, notices: [] };
  const problems = new ConfigProblems(`autofill failed for model '${draft.config.name}'`, draft.source);
  if (model.completion !== null) {
    return { fields: mergeCompletion(draft.fields, model.completion, draft.config.name), notices: [] };
  }
  if (model.signature === null) return { fields: draft.fields, notices: [] };
  const completed = autocompleteFromSignature(draft.fields, model.signature, defaultMaxBatchSize, problems);
  problems.throwIfAny();
  return completed;
}

function checkTransactionPolicy(
  config: ModelConfig,
  resolved: ResolvedBackend,
  problems: ConfigProblems,
): void {
  if (!config.isDecoupled || resolved.backend.executionStyle === "requests") return;
  problems.unsupported(
    `"model_transaction_policy.decoupled" is true, but ${
      config.ensembleScheduling === null
        ? `models of the ${config.backend} backend give one response to each request`
        : "an ensemble is decoupled when one of its steps is: leave it out"
    }`,
  );
}

/** Where models get each request by itself, its own length is no obstacle. */
function checkPaddingIsPossible(
  config: ModelConfig,
  resolved: ResolvedBackend,
  problems: ConfigProblems,
): void {
  const rules = config.dynamicBatching?.pad ?? [];
  if (rules.length === 0 || resolved.backend.executionStyle === "batch") return;
  problems.invalid(
    `"dynamic_batching.pad" has no meaning for the ${config.backend} backend, whose models get each request by itself. Leave it out`,
  );
}

/** Without a signature nothing else could say them. */
function checkTensorsGiven(config: ModelConfig, draft: ModelConfigDraft, problems: ConfigProblems): void {
  const hint = draft.isAutoCompleteEnabled ? "" : " (auto-complete is disabled)";
  for (const role of ["input", "output"] as const) {
    if (config[role].length === 0) {
      problems.invalid(
        `must specify '${role}' for ${config.name}: neither its config nor the model itself does${hint}`,
      );
    }
  }
}
