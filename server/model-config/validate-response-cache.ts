import type { ConfigProblems } from "./config-problems.ts";
import type { ModelConfigFields } from "./model-config.gen.ts";

/**
 * Checks that the responses of the model can be kept: each request has one, and it depends on nothing but the request.
 *
 * @param problems - Receives what is wrong.
 * @see contract §4.2, `response_cache`
 */
export function validateResponseCache(fields: ModelConfigFields, problems: ConfigProblems): void {
  if (fields.response_cache?.enable !== true) return;
  if (fields.sequence_batching !== undefined) {
    problems.invalid(
      `"response_cache.enable" cannot be combined with "sequence_batching": a response then depends on earlier requests`,
    );
  }
  if (fields.model_transaction_policy?.decoupled === true) {
    problems.invalid(
      `"response_cache.enable" cannot be combined with "model_transaction_policy.decoupled": a request then has any number of responses`,
    );
  }
}
