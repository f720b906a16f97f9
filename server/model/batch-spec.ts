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
  return {
    maxBatchSize: config.maxBatchSize,
    inputs: [...config.input.map((input) => specOf(input, input.isOptional)), ...controlInputs(config)],
    outputs: config.output.map((output) => specOf(output, false)),
    states: stateSpecs(config, initialStates),
  };
}

function specOf(tensor: ModelTensorConfig, isOptional: boolean): TensorSpec {
  const { name, datatype, dims } = tensor;
  return { name, datatype, dims: modelDims(tensor), wireDims: dims, isOptional, join: rows };
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
