import type { BatchSpec, OutputCut, StateSpec, TensorJoin, TensorSpec } from "../../backends/backend.ts";
import type { DataType } from "../core/data-type.ts";
import { encodeElement } from "../core/element-bytes.ts";
import {
  type ModelConfig,
  modelDims,
  type ModelInput,
  type ModelTensorConfig,
  type PaddingRule,
} from "../model-config/model-config.ts";
import type { InitialStates } from "./initial-states.ts";

const rows: TensorJoin = { kind: "rows" };

/**
 * What every batch of a model consists of, as its instances want to know it. Inputs that the server fills come last.
 *
 * @param initialStates - First values of states that come from files.
 */
export function batchSpecOf(config: ModelConfig, initialStates: InitialStates = new Map()): BatchSpec {
  const sent = config.input.map((input) => specOf(input, input.isOptional, inputJoin(config, input)));
  return {
    maxBatchSize: config.maxBatchSize,
    inputs: [...sent, ...generatedInputs(config), ...maskInputs(config), ...controlInputs(config)],
    outputs: config.output.map((output) => specOf(output, false, outputJoin(config, output.name))),
    states: stateSpecs(config, initialStates),
  };
}

function specOf(tensor: ModelTensorConfig, isOptional: boolean, join: TensorJoin): TensorSpec {
  const { name, datatype, dims } = tensor;
  return { name, datatype, dims: modelDims(tensor), wireDims: dims, isOptional, join };
}

function generatedInputs(config: ModelConfig): TensorSpec[] {
  return config.batchInput.flatMap((batchInput) => {
    const source = inputIndex(config, batchInput.sourceInput);
    const join: TensorJoin = { kind: "generated", what: batchInput.kind, source };
    return batchInput.targetName.map((name) => ({
      name,
      datatype: batchInput.datatype,
      dims: [],
      wireDims: [],
      isOptional: false,
      join,
    }));
  });
}

function inputJoin(config: ModelConfig, input: ModelInput): TensorJoin {
  if (input.allowRaggedBatch) return { kind: "flat" };
  const rule = paddingRules(config).find((candidate) => candidate.input === input.name);
  if (rule === undefined) return rows;
  const { axis, multipleOf, value } = rule;
  return { kind: "padded", axis, multipleOf, padElement: elementOf(input.datatype, value) };
}

function maskInputs(config: ModelConfig): TensorSpec[] {
  return paddingRules(config).flatMap(({ input, mask }) => {
    if (mask === null) return [];
    const oneElement = elementOf(mask.datatype, 1);
    const join: TensorJoin = { kind: "mask", source: inputIndex(config, input), oneElement };
    return [{ ...mask, dims: [-1], wireDims: [-1], isOptional: false, join }];
  });
}

function paddingRules(config: ModelConfig): readonly PaddingRule[] {
  return config.dynamicBatching?.pad ?? [];
}

function elementOf(datatype: DataType, value: number): Uint8Array {
  const bytes = encodeElement(datatype, value);
  if (bytes === null) throw new Error(`Validation let ${value} of ${datatype} through. This is a bug.`);
  return bytes;
}

/** One element per request. */
const controlDims = [1];

function controlInputs(config: ModelConfig): TensorSpec[] {
  return (config.sequenceBatching?.controlInput ?? []).map(({ name, kind, datatype, falseTrue }) => ({
    name,
    datatype,
    dims: controlDims,
    wireDims: controlDims,
    isOptional: false,
    join: { kind: "control", control: kind, falseTrue },
  }));
}

function stateSpecs(config: ModelConfig, initialStates: InitialStates): StateSpec[] {
  return (config.sequenceBatching?.state ?? []).map((state) => ({
    inputName: state.inputName,
    outputName: state.outputName,
    datatype: state.datatype,
    dims: state.dims,
    initialDims: state.initialState?.dims ?? state.dims.map((dim) => (dim === -1 ? 1 : dim)),
    initialData: initialStates.get(state.inputName) ?? null,
  }));
}

function outputJoin(config: ModelConfig, name: string): TensorJoin {
  const batchOutput = config.batchOutput.find((candidate) => candidate.targetName.includes(name));
  if (batchOutput === undefined) return trimmedJoin(config, name);
  return { kind: "scattered", source: inputIndex(config, batchOutput.sourceInput) };
}

function trimmedJoin(config: ModelConfig, output: string): TensorJoin {
  const cuts = paddingRules(config).flatMap(({ input, outputs }): OutputCut[] => {
    const axis = outputs.get(output);
    return axis === undefined ? [] : [{ axis, source: inputIndex(config, input) }];
  });
  return cuts.length === 0 ? rows : { kind: "trimmed", cuts };
}

function inputIndex(config: ModelConfig, name: string): number {
  return config.input.findIndex((input) => input.name === name);
}
