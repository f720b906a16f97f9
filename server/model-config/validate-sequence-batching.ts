import { formatShape } from "../core/shape.ts";
import type { ConfigProblems } from "./config-problems.ts";
import { childPath } from "./json-path.ts";
import type { ModelConfig, OldestStrategy, SequenceBatching, SequenceState } from "./model-config.ts";

const field = "sequence_batching";

/**
 * Checks the sequence batcher's rules against each other and against the rest of the config.
 *
 * @param problems - Receives what is wrong.
 * @see contract §4.2, ModelSequenceBatching
 */
export function validateSequenceBatching(
  config: ModelConfig,
  batching: SequenceBatching,
  problems: ConfigProblems,
): void {
  if (batching.strategy.kind === "oldest") checkPreferredSizes(config, batching.strategy, problems);
  checkInputNames(config, batching, problems);
  checkOutputNames(batching, problems);
  if (batching.isIterative && batching.state.length > 0) {
    problems.invalid(
      `"${field}.iterative_sequence" cannot be combined with "${field}.state": models that ask for another run of a request keep what they remember themselves`,
    );
  }
  for (const [i, state] of batching.state.entries()) {
    checkInitialState(state, childPath(`${field}.state`, i), problems);
    checkExposedState(config, state, childPath(`${field}.state`, i), problems);
  }
}

function checkPreferredSizes(config: ModelConfig, strategy: OldestStrategy, problems: ConfigProblems): void {
  for (const [i, size] of strategy.preferredBatchSize.entries()) {
    if (size <= config.maxBatchSize) continue;
    const path = childPath(`${field}.oldest.preferred_batch_size`, i);
    problems.invalid(`"${path}" must be <= max_batch_size ${config.maxBatchSize}, got ${size}`);
  }
}

/** Each of the model's inputs has one source: clients, the batcher's controls, or a state. */
function checkInputNames(config: ModelConfig, batching: SequenceBatching, problems: ConfigProblems): void {
  const taken = new Map(config.input.map((input, i) => [input.name, childPath("input", i)]));
  const take = (name: string, path: string, member: string): void => {
    const earlier = taken.get(name);
    if (earlier === undefined) taken.set(name, path);
    else problems.invalid(`"${path}.${member}": '${name}' is the name of ${earlier} too`);
  };
  for (const [i, batchInput] of config.batchInput.entries()) {
    for (const target of batchInput.targetName) taken.set(target, childPath("batch_input", i));
  }
  for (const [i, control] of batching.controlInput.entries()) {
    take(control.name, childPath(`${field}.control_input`, i), "name");
  }
  for (const [i, state] of batching.state.entries()) {
    take(state.inputName, childPath(`${field}.state`, i), "input_name");
  }
}

function checkOutputNames(batching: SequenceBatching, problems: ConfigProblems): void {
  const taken = new Map<string, string>();
  for (const [i, state] of batching.state.entries()) {
    const path = childPath(`${field}.state`, i);
    const earlier = taken.get(state.outputName);
    if (earlier === undefined) taken.set(state.outputName, path);
    else problems.invalid(`"${path}.output_name": '${state.outputName}' is the output of ${earlier} too`);
  }
}

function checkInitialState(state: SequenceState, path: string, problems: ConfigProblems): void {
  const { initialState } = state;
  if (initialState === null) return;
  const dimsPath = `${childPath(`${path}.initial_state`, 0)}.dims`;
  const { dims } = initialState;
  if (dims.includes(-1)) {
    problems.invalid(`"${dimsPath}" must not have variable dimensions, got ${formatShape(dims)}`);
  } else if (
    dims.length !== state.dims.length ||
    state.dims.some((dim, i) => dim !== -1 && dim !== dims[i])
  ) {
    problems.invalid(
      `"${dimsPath}" ${formatShape(dims)} must fit the dims ${formatShape(state.dims)} of the state '${state.inputName}'`,
    );
  }
}

/** A state that clients may see is one tensor with one type and shape, written down twice. */
function checkExposedState(
  config: ModelConfig,
  state: SequenceState,
  path: string,
  problems: ConfigProblems,
): void {
  const output = config.output.find((candidate) => candidate.name === state.outputName);
  if (output === undefined || output.datatype === state.datatype) return;
  problems.invalid(
    `"${path}.data_type": state '${state.inputName}' is ${state.datatype}, but its output '${output.name}' is ${output.datatype}`,
  );
}
