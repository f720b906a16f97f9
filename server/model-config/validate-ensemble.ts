import type { ConfigProblems } from "./config-problems.ts";
import { childPath } from "./json-path.ts";
import type { ModelConfigFields } from "./model-config.gen.ts";
import type { ModelConfig } from "./model-config.ts";

/** Fields that say how a backend runs a model, which no backend does with an ensemble. */
const backendFields = ["instance_group", "optimization", "model_warmup", "default_model_filename"] as const;

/**
 * Checks what the config of an ensemble says by itself. Whether its models are there and fit together is checked when
 * it is loaded.
 *
 * @param fields - As written, before defaults: an ensemble may not even mention some of them.
 * @param problems - Receives what is wrong.
 * @see contract §6.7, "Static checks"
 */
export function validateEnsemble(
  fields: ModelConfigFields,
  config: ModelConfig,
  problems: ConfigProblems,
): void {
  const { ensembleScheduling } = config;
  if (ensembleScheduling === null) return;
  for (const field of backendFields) {
    const value = fields[field];
    if (value === undefined || value === "" || (Array.isArray(value) && value.length === 0)) continue;
    problems.invalid(`"${field}" must not be specified for an ensemble: set it for the models of its steps`);
  }
  if (fields.input === undefined || fields.input.length === 0)
    problems.invalid(`"input" of an ensemble must list its inputs`);
  if (fields.output === undefined || fields.output.length === 0)
    problems.invalid(`"output" of an ensemble must list its outputs`);
  if (config.schedulerName !== "") {
    problems.invalid(`"parameters.scheduler" must not be specified for an ensemble, which schedules nothing`);
  }
  if (ensembleScheduling.steps.length === 0) {
    problems.invalid(`"ensemble_scheduling.step" must have at least one step`);
  }
  for (const [i, step] of ensembleScheduling.steps.entries()) {
    const path = childPath("ensemble_scheduling.step", i);
    if (step.modelName === "") problems.invalid(`"${path}.model_name" must name a model`);
    if (step.modelName === config.name) {
      problems.invalid(
        `"${path}.model_name": an ensemble cannot be a step of itself, got '${step.modelName}'`,
      );
    }
    if (step.inputMap.size === 0) problems.invalid(`"${path}.input_map" must map at least one input`);
    if (step.outputMap.size === 0) problems.invalid(`"${path}.output_map" must map at least one output`);
  }
}
