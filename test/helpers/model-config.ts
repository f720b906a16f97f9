import type { DataType } from "../../server/core/data-type.ts";
import type {
  DynamicBatching,
  ModelConfig,
  ModelInput,
  ModelOutput,
  OldestStrategy,
  QueuePolicy,
  SequenceBatching,
} from "../../server/model-config/model-config.ts";

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
    batchInput: [],
    batchOutput: [],
    instanceGroup: [{ name: "m", kind: "KIND_CPU", count: 1, gpus: [], isPassive: false, rateLimiter: null }],
    defaultModelFilename: "model.onnx",
    repositoryAgents: [],
    metricTags: new Map(),
    histogramBuckets: new Map(),
    parameters: new Map(),
    schedulerName: "",
    dynamicBatching: null,
    sequenceBatching: null,
    ensembleScheduling: null,
    isResponseCacheEnabled: false,
    modelWarmup: [],
    optimization: { graphLevel: 0, eagerBatching: false },
    isDecoupled: false,
    ...parts,
  };
}

/** An input of 4 FP32 values per item, apart from what is given. */
export function makeInput(name: string, parts: Partial<ModelInput> = {}): ModelInput {
  const datatype: DataType = "FP32";
  return {
    name,
    datatype,
    dims: [4],
    reshape: null,
    format: "FORMAT_NONE",
    isOptional: false,
    allowRaggedBatch: false,
    ...parts,
  };
}

/** An output of 4 FP32 values per item, apart from what is given. */
export function makeOutput(name: string, parts: Partial<ModelOutput> = {}): ModelOutput {
  const datatype: DataType = "FP32";
  return { name, datatype, dims: [4], reshape: null, labelFilename: "", ...parts };
}

/** Batches of 8 are preferred and not waited for, nothing is limited, apart from what is given. */
export function makeDynamicBatching(parts: Partial<DynamicBatching> = {}): DynamicBatching {
  return {
    preferredBatchSize: [8],
    maxQueueDelayUs: 0,
    latencyTargetUs: 0,
    pad: [],
    maxPaddingShare: 0.25,
    preserveOrdering: false,
    priorityLevels: 0,
    defaultPriorityLevel: 0,
    defaultQueuePolicy: makeQueuePolicy(),
    priorityQueuePolicy: new Map(),
    ...parts,
  };
}

/** No limits, apart from what is given. */
export function makeQueuePolicy(parts: Partial<QueuePolicy> = {}): QueuePolicy {
  return {
    timeoutAction: "REJECT",
    defaultTimeoutUs: 0,
    allowTimeoutOverride: false,
    maxQueueSize: 0,
    ...parts,
  };
}

/** The direct strategy without waiting, one second of idling, no controls and no states, apart from what is given. */
export function makeSequenceBatching(parts: Partial<SequenceBatching> = {}): SequenceBatching {
  return {
    maxSequenceIdleUs: 1_000_000,
    controlInput: [],
    strategy: { kind: "direct", maxQueueDelayUs: 0, minimumSlotUtilization: 0 },
    state: [],
    isIterative: false,
    ...parts,
  };
}

/** The oldest strategy without waiting, as many candidates as the batch has rows, apart from what is given. */
export function makeOldestStrategy(parts: Partial<OldestStrategy> = {}): OldestStrategy {
  return {
    kind: "oldest",
    maxCandidateSequences: 0,
    preferredBatchSize: [],
    maxQueueDelayUs: 0,
    preserveOrdering: false,
    ...parts,
  };
}
