import type { BatchSpec, TensorJoin, TensorSpec } from "../../backends/backend.ts";
import { type ModelConfig, modelDims, type ModelTensorConfig } from "../model-config/model-config.ts";

const rows: TensorJoin = { kind: "rows" };

/** What every batch of a model consists of, as its instances want to know it. Generated inputs come last. */
export function batchSpecOf(config: ModelConfig): BatchSpec {
  const sent = config.input.map((input) =>
    specOf(input, input.isOptional, input.allowRaggedBatch ? { kind: "flat" } : rows),
  );
  return {
    maxBatchSize: config.maxBatchSize,
    inputs: [...sent, ...generatedInputs(config)],
    outputs: config.output.map((output) => specOf(output, false, outputJoin(config, output.name))),
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

function outputJoin(config: ModelConfig, name: string): TensorJoin {
  const batchOutput = config.batchOutput.find((candidate) => candidate.targetName.includes(name));
  if (batchOutput === undefined) return rows;
  return { kind: "scattered", source: inputIndex(config, batchOutput.sourceInput) };
}

function inputIndex(config: ModelConfig, name: string): number {
  return config.input.findIndex((input) => input.name === name);
}
