import type { ConfigProblems } from "./config-problems.ts";
import { childPath } from "./json-path.ts";
import type { ModelConfigFields } from "./model-config.gen.ts";

/**
 * Checks the samples of `model_warmup`: each input says its type, a shape without variable dimensions, and where its
 * values come from.
 *
 * @param problems - Receives what is wrong.
 * @see contract §4.2, ModelWarmup
 */
export function validateWarmup({ model_warmup = [] }: ModelConfigFields, problems: ConfigProblems): void {
  for (const [i, sample] of model_warmup.entries()) {
    for (const [name, input] of Object.entries(sample.inputs ?? {})) {
      const path = `${childPath("model_warmup", i)}.inputs.${name}`;
      const { data_type, dims = [], zero_data, random_data, input_data_file = "" } = input;
      if (data_type === undefined) problems.invalid(`"${path}.data_type" must be given`);
      if (dims.includes(-1)) {
        problems.invalid(`"${path}.dims" must have a size for each dimension, got [${dims.join(",")}]`);
      }
      if (zero_data !== true && random_data !== true && input_data_file === "") {
        problems.invalid(`"${path}" must have one of zero_data: true, random_data: true and input_data_file`);
      }
    }
  }
}
