import type { ConfigProblems } from "./config-problems.ts";
import { childPath } from "./json-path.ts";
import type { InstanceGroup, ModelConfig, ModelInput } from "./model-config.ts";
import { reshapeProblem } from "./reshape-rules.ts";
import { validateBatchTensors } from "./validate-batch-tensors.ts";
import { validateDynamicBatching } from "./validate-dynamic-batching.ts";
import { validateSequenceBatching } from "./validate-sequence-batching.ts";

/**
 * Checks the rules between fields, which a schema cannot say. Needs no model, so it finds mistakes before one is
 * loaded.
 *
 * @param problems - Receives what is wrong.
 */
export function validateModelConfig(config: ModelConfig, problems: ConfigProblems): void {
  for (const [i, input] of config.input.entries()) validateInput(input, childPath("input", i), problems);
  checkReshapes("input", config, problems);
  checkReshapes("output", config, problems);
  checkDistinctNames("input", config.input, problems);
  checkDistinctNames("output", config.output, problems);
  checkDistinctNames("instance_group", config.instanceGroup, problems);
  validateBatchTensors(config, problems);
  if (config.dynamicBatching !== null) validateDynamicBatching(config, config.dynamicBatching, problems);
  if (config.sequenceBatching !== null) validateSequenceBatching(config, config.sequenceBatching, problems);
  const groups = config.instanceGroup;
  if (groups.length > 0 && groups.every((group) => group.isPassive)) {
    problems.invalid('"instance_group": all groups are passive, so that no instance would be given work');
  }
  for (const [i, group] of config.instanceGroup.entries()) {
    validateInstanceGroup(group, childPath("instance_group", i), problems);
  }
}

/** An image has a height, a width and channels. */
const imageDimCount = 3;

function validateInput(input: ModelInput, path: string, problems: ConfigProblems): void {
  if (input.format !== "FORMAT_NONE" && input.dims.length !== imageDimCount) {
    problems.invalid(
      `"${path}.format": ${input.format} needs ${imageDimCount} dims, got ${input.dims.length}`,
    );
  }
}

function checkReshapes(field: "input" | "output", config: ModelConfig, problems: ConfigProblems): void {
  for (const [i, tensor] of config[field].entries()) {
    const problem = reshapeProblem(tensor, config.maxBatchSize);
    if (problem !== null) problems.invalid(`"${childPath(field, i)}.reshape": ${problem}`);
  }
}

function checkDistinctNames(
  field: string,
  named: readonly { readonly name: string }[],
  problems: ConfigProblems,
): void {
  const first = new Map<string, number>();
  for (const [i, { name }] of named.entries()) {
    const earlier = first.get(name);
    if (earlier === undefined) first.set(name, i);
    else
      problems.invalid(
        `"${childPath(field, i)}.name": '${name}' is the name of ${childPath(field, earlier)} too`,
      );
  }
}

function validateInstanceGroup(group: InstanceGroup, path: string, problems: ConfigProblems): void {
  if (group.kind === "KIND_CPU" && group.gpus.length > 0) {
    problems.invalid(`"${path}.gpus": instance group '${group.name}' has kind KIND_CPU and lists GPUs`);
  }
  if (new Set(group.gpus).size !== group.gpus.length) {
    problems.invalid(`"${path}.gpus": instance group '${group.name}' lists a GPU twice`);
  }
}
