import { type DataType, parseConfigDataType } from "../core/data-type.ts";
import type { ResolvedBackend } from "./backend-autofill.ts";
import { ensemblePlatform } from "./ensemble-platform.ts";
import type {
  BatchInput,
  BatchOutput,
  DynamicBatching,
  EnsembleScheduling,
  InstanceGroup,
  InstanceKind,
  ModelConfig,
  ModelInput,
  ModelTensorConfig,
  RepositoryAgent,
  PaddingRule,
  QueuePolicy,
  RateLimiterConfig,
  VersionPolicy,
  WarmupInput,
  WarmupSampleConfig,
  WarmupSource,
} from "./model-config.ts";
import { defaultMaxPaddingShare } from "./validate-padding.ts";
import type * as wire from "./model-config.gen.ts";
import { normaliseSequenceBatching } from "./normalise-sequence-batching.ts";

/** The one parameter that is the server's, not the backend's: a scheduler of somebody else's by name. */
export const schedulerParameter = "scheduler";

/**
 * Fills every default in: what a config does not say then means what it says here.
 *
 * @param fields - In canonical form, checked against the schema.
 * @returns The complete config; not yet validated beyond the schema.
 */
export function normaliseModelConfig(
  fields: wire.ModelConfigFields,
  modelName: string,
  resolved: ResolvedBackend,
): ModelConfig {
  const maxBatchSize = fields.max_batch_size ?? 0;
  return {
    name: modelName,
    platform: resolved.platform,
    backend: resolved.backend.name,
    versionPolicy: normaliseVersionPolicy(fields.version_policy),
    maxBatchSize,
    input: (fields.input ?? []).map(normaliseInput),
    output: (fields.output ?? []).map((output) => ({
      ...normaliseTensor(output),
      labelFilename: output.label_filename ?? "",
    })),
    batchInput: (fields.batch_input ?? []).map(normaliseBatchInput),
    batchOutput: (fields.batch_output ?? []).map(normaliseBatchOutput),
    instanceGroup:
      resolved.platform === ensemblePlatform
        ? []
        : normaliseInstanceGroups(fields.instance_group ?? [], modelName, resolved),
    defaultModelFilename: resolved.defaultModelFilename,
    repositoryAgents: normaliseAgents(fields.model_repository_agents),
    metricTags: new Map(Object.entries(fields.metric_tags ?? {})),
    histogramBuckets: normaliseBuckets(fields.model_metrics),
    ...normaliseParameters(fields.parameters),
    ...normaliseSchedulers(fields, maxBatchSize),
    optimization: {
      graphLevel: fields.optimization?.graph?.level ?? 0,
      eagerBatching: isTrue(fields.optimization?.eager_batching),
    },
    isDecoupled: isTrue(fields.model_transaction_policy?.decoupled),
    modelWarmup: normaliseWarmup(fields.model_warmup),
    isResponseCacheEnabled: isTrue(fields.response_cache?.enable),
  };
}

function normaliseParameters(
  parameters: wire.ModelConfigFields["parameters"],
): Pick<ModelConfig, "parameters" | "schedulerName"> {
  const all = new Map(
    Object.entries(parameters ?? {}).map(([name, parameter]) => [name, parameter.string_value ?? ""]),
  );
  return {
    parameters: new Map([...all].filter(([name]) => name !== schedulerParameter)),
    schedulerName: all.get(schedulerParameter) ?? "",
  };
}

/** At most one of them is set: the schema sees to that. */
function normaliseSchedulers(
  fields: wire.ModelConfigFields,
  maxBatchSize: number,
): Pick<ModelConfig, "dynamicBatching" | "sequenceBatching" | "ensembleScheduling"> {
  const { dynamic_batching: dynamic, sequence_batching: sequence, ensemble_scheduling: ensemble } = fields;
  return {
    dynamicBatching: dynamic === undefined ? null : normaliseDynamicBatching(dynamic, maxBatchSize),
    sequenceBatching: normaliseSequenceBatching(sequence, maxBatchSize),
    ensembleScheduling: ensemble === undefined ? null : normaliseEnsemble(ensemble),
  };
}

function normaliseAgents(given: wire.ModelConfigFields["model_repository_agents"]): RepositoryAgent[] {
  return (given?.agents ?? []).map(({ name, parameters }) => ({
    name: name ?? "",
    parameters: new Map(Object.entries(parameters ?? {})),
  }));
}

/** Of several for one metric the last one counts, as in Triton. */
function normaliseBuckets(metrics: wire.ModelMetrics | undefined): ModelConfig["histogramBuckets"] {
  return new Map(
    (metrics?.metric_control ?? []).map(({ metric_identifier, histogram_options }) => [
      metric_identifier?.family ?? "",
      histogram_options?.buckets ?? [],
    ]),
  );
}

/** Without a policy, only the newest version is served. */
function normaliseVersionPolicy(policy: wire.ModelVersionPolicy | undefined): VersionPolicy {
  if (policy?.all !== undefined) return { kind: "all" };
  if (policy?.specific !== undefined) {
    return { kind: "specific", versions: [...new Set(policy.specific.versions)] };
  }
  return { kind: "latest", numVersions: policy?.latest?.num_versions ?? 1 };
}

function normaliseDataType(name: wire.DataType): DataType {
  const datatype = parseConfigDataType(name);
  // The schema refuses TYPE_INVALID, the only name without a data type.
  if (datatype === null) throw new Error(`The schema let ${name} through. This is a bug.`);
  return datatype;
}

function normaliseTensor(tensor: wire.ModelInput | wire.ModelOutput): ModelTensorConfig {
  return {
    name: tensor.name,
    datatype: normaliseDataType(tensor.data_type),
    dims: tensor.dims,
    reshape: tensor.reshape === undefined ? null : (tensor.reshape.shape ?? []),
  };
}

function normaliseInput(input: wire.ModelInput): ModelInput {
  return {
    ...normaliseTensor(input),
    format: input.format ?? "FORMAT_NONE",
    isOptional: input.optional ?? false,
    allowRaggedBatch: input.allow_ragged_batch ?? false,
  };
}

function normaliseBatchInput(input: wire.BatchInput): BatchInput {
  return {
    kind: input.kind ?? "BATCH_ELEMENT_COUNT",
    targetName: input.target_name,
    datatype: normaliseDataType(input.data_type),
    sourceInput: input.source_input[0] ?? "",
  };
}

function normaliseBatchOutput(output: wire.BatchOutput): BatchOutput {
  return { targetName: output.target_name, sourceInput: output.source_input[0] ?? "" };
}

/** Without a preference the largest batch is preferred. */
function normaliseDynamicBatching(
  batching: wire.ModelDynamicBatching,
  maxBatchSize: number,
): DynamicBatching {
  const preferred = batching.preferred_batch_size ?? [];
  const latencyTargetUs = batching.latency_target_microseconds ?? 0;
  const prefersLargest = maxBatchSize > 0 && latencyTargetUs === 0;
  return {
    preferredBatchSize: preferred.length === 0 && prefersLargest ? [maxBatchSize] : preferred,
    maxQueueDelayUs: batching.max_queue_delay_microseconds ?? 0,
    latencyTargetUs,
    pad: Object.entries(batching.pad ?? {}).map(([input, rule]) => normalisePadding(input, rule)),
    maxPaddingShare: batching.max_padding_share ?? defaultMaxPaddingShare,
    preserveOrdering: batching.preserve_ordering ?? false,
    priorityLevels: batching.priority_levels ?? 0,
    defaultPriorityLevel: batching.default_priority_level ?? 0,
    defaultQueuePolicy: normaliseQueuePolicy(batching.default_queue_policy ?? {}),
    priorityQueuePolicy: new Map(
      Object.entries(batching.priority_queue_policy ?? {}).map(([level, policy]) => [
        Number(level),
        normaliseQueuePolicy(policy),
      ]),
    ),
  };
}

/** The type of masks in the models that the usual exporters make: they take them from 64-bit token ids. */
const defaultMaskDataType = "TYPE_INT64";

function normalisePadding(input: string, rule: wire.ModelPadding): PaddingRule {
  return {
    input,
    axis: rule.axis,
    value: rule.value ?? 0,
    multipleOf: rule.multiple_of ?? 1,
    // A type without a name is for the validation to refuse.
    mask:
      rule.mask === undefined && rule.mask_data_type === undefined
        ? null
        : { name: rule.mask ?? "", datatype: normaliseDataType(rule.mask_data_type ?? defaultMaskDataType) },
    outputs: new Map(Object.entries(rule.outputs ?? {})),
  };
}

function normaliseQueuePolicy(policy: wire.ModelQueuePolicy): QueuePolicy {
  return {
    timeoutAction: policy.timeout_action ?? "REJECT",
    defaultTimeoutUs: policy.default_timeout_microseconds ?? 0,
    allowTimeoutOverride: policy.allow_timeout_override ?? false,
    maxQueueSize: policy.max_queue_size ?? 0,
  };
}

function normaliseEnsemble(ensemble: wire.ModelEnsembling): EnsembleScheduling {
  return {
    steps: (ensemble.step ?? []).map((step) => ({
      modelName: step.model_name,
      modelVersion: step.model_version ?? -1,
      inputMap: new Map(Object.entries(step.input_map ?? {})),
      outputMap: new Map(Object.entries(step.output_map ?? {})),
    })),
    maxInflightRequests: ensemble.max_inflight_requests ?? 0,
  };
}

function normaliseInstanceGroups(
  groups: readonly wire.ModelInstanceGroup[],
  modelName: string,
  resolved: ResolvedBackend,
): InstanceGroup[] {
  if (groups.length === 0) return [normaliseInstanceGroup({}, modelName, resolved)];
  return groups.map((group, i) => normaliseInstanceGroup(group, `${modelName}_${i}`, resolved));
}

function normaliseInstanceGroup(
  group: wire.ModelInstanceGroup,
  defaultName: string,
  resolved: ResolvedBackend,
): InstanceGroup {
  const gpus = group.gpus ?? [];
  const kind = instanceKind(group, gpus);
  const defaultCount = kind === "KIND_CPU" ? resolved.backend.defaultCpuInstanceCount : 1;
  const count = group.count ?? 0;
  return {
    name: group.name === undefined || group.name === "" ? defaultName : group.name,
    kind,
    count: count < 1 ? defaultCount : count,
    gpus,
    isPassive: group.passive ?? false,
    rateLimiter: group.rate_limiter === undefined ? null : normaliseRateLimiter(group.rate_limiter),
  };
}

function normaliseRateLimiter({ resources = [], priority = 0 }: wire.ModelRateLimiter): RateLimiterConfig {
  return {
    resources: resources.map(({ name = "", global = false, count = 0 }) => ({
      name,
      isGlobal: global,
      count,
    })),
    priority: Math.max(1, priority),
  };
}

/**
 * KIND_AUTO becomes KIND_GPU only when GPUs are listed: a model must not take a GPU, or fail for want of one,
 * because its config says nothing.
 */
function instanceKind(group: wire.ModelInstanceGroup, gpus: readonly number[]): InstanceKind {
  if (group.kind === "KIND_GPU" || group.kind === "KIND_CPU") return group.kind;
  return gpus.length > 0 ? "KIND_GPU" : "KIND_CPU";
}

function isTrue(flag: boolean | undefined): boolean {
  return flag === true;
}

/** What validation refuses, a type or a source that is missing, becomes the simplest one here. */
function normaliseWarmup(samples: readonly wire.ModelWarmup[] = []): WarmupSampleConfig[] {
  return samples.map(({ name = "", batch_size: batchSize = 0, inputs = {}, count = 0 }) => ({
    name,
    batchSize,
    inputs: new Map(Object.entries(inputs).map(([key, input]) => [key, normaliseWarmupInput(input)])),
    count: Math.max(1, count),
  }));
}

function normaliseWarmupInput(input: NonNullable<wire.ModelWarmup["inputs"]>[string]): WarmupInput {
  const { data_type = "", dims = [] } = input;
  return { datatype: parseConfigDataType(data_type) ?? "FP32", dims, source: warmupSource(input) };
}

function warmupSource(input: { random_data?: boolean; input_data_file?: string }): WarmupSource {
  const { random_data = false, input_data_file: filename = "" } = input;
  if (filename !== "") return { kind: "file", filename };
  return { kind: random_data ? "random" : "zero" };
}
