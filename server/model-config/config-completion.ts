import { ConfigProblems } from "./config-problems.ts";
import type { ModelConfigFields } from "./model-config.gen.ts";
import { parseModelConfig } from "./read-config.ts";

/** What a model may say of itself when it is loaded: nothing that its loading has depended on. */
const completableFields = [
  "max_batch_size",
  "input",
  "output",
  "dynamic_batching",
  "model_transaction_policy",
] as const satisfies readonly (keyof ModelConfigFields)[];

/**
 * Adds to a config what its model says of itself. A field that the author wrote counts, whole, and the model's does not.
 *
 * @param fields - The author's, in canonical form.
 * @param completion - The model's, in the form of `config.json`.
 * @returns New fields, in canonical form.
 * @throws StatusError INVALID_ARG or UNSUPPORTED when the model's are wrong, with one problem per line.
 */
export function mergeCompletion(
  fields: ModelConfigFields,
  completion: object,
  modelName: string,
): ModelConfigFields {
  const subject = `what the model '${modelName}' adds to its configuration`;
  const problems = new ConfigProblems(subject);
  for (const name of Object.keys(completion)) {
    if ((completableFields as readonly string[]).includes(name)) continue;
    problems.invalid(`it may not set '${name}', only ${completableFields.join(", ")}`);
  }
  problems.throwIfAny();
  return { ...parseModelConfig(JSON.stringify(completion), subject).fields, ...fields };
}
