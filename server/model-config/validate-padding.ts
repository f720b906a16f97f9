import { configDataTypeName } from "../core/data-type.ts";
import { encodeElement } from "../core/element-bytes.ts";
import type { ConfigProblems } from "./config-problems.ts";
import { childPath } from "./json-path.ts";
import type { DynamicBatching, ModelConfig, ModelTensorConfig, PaddingRule } from "./model-config.ts";

const field = "dynamic_batching.pad";

/** `max_padding_share` where a config does not say: three quarters of the work are for somebody. */
export const defaultMaxPaddingShare = 0.25;

/**
 * Checks that what `dynamic_batching.pad` names can be padded, filled and cut.
 *
 * @param problems - Receives what is wrong.
 */
export function validatePadding(
  config: ModelConfig,
  batching: DynamicBatching,
  problems: ConfigProblems,
): void {
  const isIncomplete = config.input.length === 0 || config.output.length === 0;
  if (batching.pad.length === 0) {
    if (batching.maxPaddingShare !== defaultMaxPaddingShare) {
      problems.invalid(`"dynamic_batching.max_padding_share" has no meaning without "${field}"`);
    }
  } else if (config.maxBatchSize === 0 && !isIncomplete) {
    problems.invalid(`"${field}" needs a max_batch_size above 0: without it there are no batches`);
    return;
  }
  const masks = new Set<string>();
  const cuts = new Set<string>();
  for (const rule of batching.pad) {
    checkInput(config, rule, problems);
    checkMask(config, rule, masks, problems);
    checkOutputs(config, rule, cuts, problems);
  }
}

function checkInput(config: ModelConfig, rule: PaddingRule, problems: ConfigProblems): void {
  if (config.input.length === 0) return;
  const path = childPath(field, rule.input);
  const input = config.input.find(({ name }) => name === rule.input);
  if (input === undefined) {
    const names = config.input.map(({ name }) => name).join(", ");
    problems.invalid(`"${path}": there is no input '${rule.input}', inputs are: ${names}`);
    return;
  }
  if (input.allowRaggedBatch) {
    problems.invalid(`"${path}": input '${rule.input}' is ragged, so that nothing has to be padded`);
  }
  checkAxis(input, rule.axis, { path, what: `input '${rule.input}'`, verb: "padded" }, problems);
  if (input.datatype !== "BYTES" && encodeElement(input.datatype, rule.value) === null) {
    problems.invalid(
      `"${path}.value": ${configDataTypeName(input.datatype)}, the type of input '${rule.input}', cannot hold ${rule.value}`,
    );
  }
}

function checkAxis(
  tensor: ModelTensorConfig,
  axis: number,
  { path, what, verb }: { readonly path: string; readonly what: string; readonly verb: "padded" | "cut" },
  problems: ConfigProblems,
): void {
  if (tensor.datatype === "BYTES") {
    problems.invalid(`"${path}": ${what} is TYPE_STRING, which cannot be ${verb}: use a type of fixed size`);
  }
  if (tensor.reshape !== null) problems.invalid(`"${path}": ${what} is reshaped, and cannot be ${verb} then`);
  const dim = tensor.dims[axis - 1];
  if (dim === -1) return;
  const found =
    dim === undefined
      ? `it has only axes 0, the batch, to ${tensor.dims.length}`
      : `its dims are [${tensor.dims.join(",")}], where axis ${axis} is always ${dim}`;
  problems.invalid(`"${path}": axis ${axis} of ${what} has to vary, but ${found}`);
}

function checkMask(
  config: ModelConfig,
  rule: PaddingRule,
  masks: Set<string>,
  problems: ConfigProblems,
): void {
  if (rule.mask === null) return;
  const { name, datatype } = rule.mask;
  const path = `${childPath(field, rule.input)}.mask`;
  if (name === "") {
    problems.invalid(`"${path}_data_type" has no meaning without "mask"`);
    return;
  }
  if (encodeElement(datatype, 1) === null) {
    problems.invalid(`"${path}_data_type": ${configDataTypeName(datatype)} cannot hold 0 and 1`);
  }
  if (config.input.some((input) => input.name === name)) {
    problems.invalid(
      `"${path}": '${name}' is an input that clients send. Take it out of "input": the server fills it`,
    );
  }
  const isGenerated = config.batchInput.some(({ targetName }) => targetName.includes(name));
  if (masks.has(name) || isGenerated) {
    problems.invalid(`"${path}": '${name}' is filled from something else already`);
  }
  masks.add(name);
}

/** @param cuts - Outputs with axes that an earlier rule cuts. */
function checkOutputs(
  config: ModelConfig,
  rule: PaddingRule,
  cuts: Set<string>,
  problems: ConfigProblems,
): void {
  for (const [name, axis] of rule.outputs) {
    const path = childPath(`${childPath(field, rule.input)}.outputs`, name);
    const cut = JSON.stringify([name, axis]);
    if (cuts.has(cut)) problems.invalid(`"${path}": this axis is cut to the length of another input too`);
    cuts.add(cut);
    if (config.output.length === 0) continue;
    const output = config.output.find((candidate) => candidate.name === name);
    if (output === undefined) {
      const names = config.output.map((candidate) => candidate.name).join(", ");
      problems.invalid(`"${path}": there is no output '${name}', outputs are: ${names}`);
      continue;
    }
    if (config.batchOutput.some(({ targetName }) => targetName.includes(name))) {
      problems.invalid(
        `"${path}": output '${name}' is the target of a batch_output, which cuts it otherwise`,
      );
    }
    checkAxis(output, axis, { path, what: `output '${name}'`, verb: "cut" }, problems);
  }
}
