import type { ConfigProblems } from "./config-problems.ts";
import { childPath } from "./json-path.ts";
import type { ModelConfigFields } from "./model-config.gen.ts";

/**
 * Checks what the first values of states say that a complete config has no place for: more than one, none at all, or one
 * of another type.
 *
 * @param problems - Receives what is wrong.
 * @see contract §4.2, InitialState
 */
export function validateInitialStates(fields: ModelConfigFields, problems: ConfigProblems): void {
  for (const [i, state] of (fields.sequence_batching?.state ?? []).entries()) {
    const path = `${childPath("sequence_batching.state", i)}.initial_state`;
    const initialStates = state.initial_state ?? [];
    const initial = initialStates[0];
    if (initial === undefined) continue;
    if (initialStates.length > 1) {
      problems.invalid(`"${path}" must have at most one entry, got ${initialStates.length}`);
    }
    if (initial.data_type !== state.data_type) {
      problems.invalid(
        `"${path}[0].data_type" must be ${state.data_type} as that of the state '${state.input_name}', got ${initial.data_type}`,
      );
    }
    if (initial.zero_data !== true && (initial.data_file ?? "") === "") {
      problems.invalid(`"${path}[0]" must have zero_data: true, or a data_file`);
    }
  }
}
