import type { BatchSpec, StateSpec, TensorJoin, TensorSpec } from "../../backends/backend.ts";
import { type ModelConfig, modelDims, type ModelTensorConfig } from "../model-config/model-config.ts";
import type { InitialStates } from "./initial-states.ts";

const rows: TensorJoin = { kind: "rows" };

/**
 * What every batch of a model consists of, as its instances want to know it. Inputs that the server fills come last.
 *
 * @param initialStates - First values of states that come from files.
 */
export function batchSpecOf(config: ModelConfig, initialStates: InitialStates = new Map()): BatchSpec {
  const sent = config.input.map((input) =>
    specOf(input, input.isOptional, input.allowRaggedBatch ? { kind: "flat" } : rows),
  );
  return {
    maxBatchSize: config.maxBatchSize,
    inputs: [...sent, ...generatedInputs(config), ...controlInputs(config)],
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
  if (batchOutput === undefined) return rows;
  return { kind: "scattered", source: inputIndex(config, batchOutput.sourceInput) };
}

function inputIndex(config: ModelConfig, name: string): number {
  return config.input.findIndex((input) => input.name === name);
}
