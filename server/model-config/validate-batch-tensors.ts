import { configDataTypeName } from "../core/data-type.ts";
import type { ConfigProblems } from "./config-problems.ts";
import { childPath } from "./json-path.ts";
import type { ModelConfig } from "./model-config.ts";

/**
 * Checks the inputs and outputs that depend on how a batch is made up: ragged inputs, `batch_input`, `batch_output`.
 *
 * @param problems - Receives what is wrong.
 * @see contract §4.2, BatchInput and BatchOutput
 */
export function validateBatchTensors(config: ModelConfig, problems: ConfigProblems): void {
  checkIsBatching(config, problems);
  checkBatchInputs(config, problems);
  checkBatchOutputs(config, problems);
}

/** Inputs or outputs are still to be read from the model, and the batch size may be too. */
function isIncomplete(config: ModelConfig): boolean {
  return config.input.length === 0 || config.output.length === 0;
}

function checkIsBatching(config: ModelConfig, problems: ConfigProblems): void {
  if (config.maxBatchSize > 0 || isIncomplete(config)) return;
  const refuse = (path: string): void =>
    problems.invalid(`"${path}" needs a max_batch_size above 0: without it there are no batches`);
  for (const [i, input] of config.input.entries()) {
    if (input.allowRaggedBatch) refuse(`${childPath("input", i)}.allow_ragged_batch`);
  }
  if (config.batchInput.length > 0) refuse("batch_input");
  if (config.batchOutput.length > 0) refuse("batch_output");
}

function checkSource(config: ModelConfig, path: string, name: string, problems: ConfigProblems): void {
  if (config.input.length === 0 || config.input.some((input) => input.name === name)) return;
  const names = config.input.map((input) => input.name).join(", ");
  problems.invalid(`"${path}.source_input": there is no input '${name}', inputs are: ${names}`);
}

function checkBatchInputs(config: ModelConfig, problems: ConfigProblems): void {
  const targets = new Set<string>();
  for (const [i, batchInput] of config.batchInput.entries()) {
    const path = childPath("batch_input", i);
    if (batchInput.datatype !== "INT32" && batchInput.datatype !== "FP32") {
      const found = configDataTypeName(batchInput.datatype);
      problems.invalid(`"${path}.data_type" must be TYPE_INT32 or TYPE_FP32, got ${found}`);
    }
    checkSource(config, path, batchInput.sourceInput, problems);
    for (const target of batchInput.targetName) {
      if (config.input.some((input) => input.name === target)) {
        problems.invalid(`"${path}.target_name": '${target}' is an input that clients send`);
      }
      if (targets.has(target))
        problems.invalid(`"${path}.target_name": '${target}' is the target of another one too`);
      targets.add(target);
    }
  }
}

function checkBatchOutputs(config: ModelConfig, problems: ConfigProblems): void {
  const targets = new Set<string>();
  for (const [i, batchOutput] of config.batchOutput.entries()) {
    const path = childPath("batch_output", i);
    checkSource(config, path, batchOutput.sourceInput, problems);
    for (const target of batchOutput.targetName) {
      if (config.output.length > 0 && !config.output.some((output) => output.name === target)) {
        problems.invalid(`"${path}.target_name": there is no output '${target}'`);
      }
      if (targets.has(target))
        problems.invalid(`"${path}.target_name": '${target}' is the target of another one too`);
      targets.add(target);
    }
    checkVariableDims(config, path, i, problems);
  }
}

/** Each variable dimension of a cut output takes its size from the same dimension of the input: there has to be one. */
function checkVariableDims(config: ModelConfig, path: string, index: number, problems: ConfigProblems): void {
  const batchOutput = config.batchOutput[index];
  const source = config.input.find((input) => input.name === batchOutput?.sourceInput);
  if (source === undefined) return;
  for (const output of config.output) {
    if (batchOutput?.targetName.includes(output.name) !== true) continue;
    const missing = output.dims.findIndex((dim, i) => dim === -1 && i >= source.dims.length);
    if (missing < 0) continue;
    problems.invalid(
      `"${path}": dims[${missing}] of output '${output.name}' varies, and input '${source.name}' has only ${source.dims.length} dims to take its size from`,
    );
  }
}
