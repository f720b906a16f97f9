import type { DataType } from "../../server/core/data-type.ts";
import type { ModelConfig, ModelInput, ModelOutput } from "../../server/model-config/model-config.ts";

/** A complete config: FP32 INPUT0 → OUTPUT0 of 4 values in batches of up to 8, apart from what is given. */
export function makeModelConfig(parts: Partial<ModelConfig> = {}): ModelConfig {
  return {
    name: "m",
    platform: "",
    backend: "onnxruntime",
    versionPolicy: { kind: "latest", numVersions: 1 },
    maxBatchSize: 8,
    input: [makeInput("INPUT0")],
    output: [makeOutput("OUTPUT0")],
    instanceGroup: [{ name: "m", kind: "KIND_CPU", count: 1, gpus: [] }],
    defaultModelFilename: "model.onnx",
    metricTags: new Map(),
    parameters: new Map(),
    dynamicBatching: null,
    ensembleScheduling: null,
    optimization: { graphLevel: 0 },
    isResponseCacheEnabled: false,
    ...parts,
  };
}

/** An input of 4 FP32 values per item, apart from what is given. */
export function makeInput(name: string, parts: Partial<ModelInput> = {}): ModelInput {
  const datatype: DataType = "FP32";
  return { name, datatype, dims: [4], reshape: null, format: "FORMAT_NONE", isOptional: false, ...parts };
}

/** An output of 4 FP32 values per item, apart from what is given. */
export function makeOutput(name: string, parts: Partial<ModelOutput> = {}): ModelOutput {
  const datatype: DataType = "FP32";
  return { name, datatype, dims: [4], reshape: null, labelFilename: "", ...parts };
}
