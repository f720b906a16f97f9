import { configDataTypeName } from "../core/data-type.ts";
import { schedulerParameter } from "./normalise-config.ts";
import type * as wire from "./model-config.gen.ts";
import type {
  BatchInput,
  BatchOutput,
  DynamicBatching,
  EnsembleScheduling,
  InstanceGroup,
  ModelConfig,
  ModelInput,
  ModelOutput,
  ModelTensorConfig,
  PaddingRule,
  QueuePolicy,
  RateLimiterConfig,
  VersionPolicy,
  WarmupSampleConfig,
  WarmupSource,
} from "./model-config.ts";
import { renderSequenceBatching } from "./render-sequence-batching.ts";

/**
 * The config as clients see it: protobuf's JSON form with proto field names, every scalar printed even at its
 * default, enums as names, 64-bit integers as numbers, and only the given member of a oneof.
 *
 * @returns A new object, in the order in which Triton prints the fields. A config file with this content gives the
 * same config again; it is also what protobufjs' `ModelConfig.fromObject` takes.
 */
export function renderModelConfig(config: ModelConfig): wire.ModelConfigFields {
  return {
    name: config.name,
    platform: config.platform,
    backend: config.backend,
    runtime: "",
    version_policy: renderVersionPolicy(config.versionPolicy),
    max_batch_size: config.maxBatchSize,
    input: config.input.map(renderInput),
    output: config.output.map(renderOutput),
    batch_input: config.batchInput.map(renderBatchInput),
    batch_output: config.batchOutput.map(renderBatchOutput),
    optimization: {
      ...(config.optimization.graphLevel === 0 ? {} : { graph: { level: config.optimization.graphLevel } }),
      priority: "PRIORITY_DEFAULT",
      input_pinned_memory: { enable: true },
      output_pinned_memory: { enable: true },
      gather_kernel_buffer_threshold: 0,
      eager_batching: config.optimization.eagerBatching,
    },
    ...(config.dynamicBatching === null
      ? {}
      : { dynamic_batching: renderDynamicBatching(config.dynamicBatching) }),
    ...(config.sequenceBatching === null
      ? {}
      : { sequence_batching: renderSequenceBatching(config.sequenceBatching) }),
    ...(config.ensembleScheduling === null
      ? {}
      : { ensemble_scheduling: renderEnsemble(config.ensembleScheduling) }),
    instance_group: config.instanceGroup.map(renderInstanceGroup),
    default_model_filename: config.defaultModelFilename,
    cc_model_filenames: {},
    metric_tags: Object.fromEntries(config.metricTags),
    parameters: Object.fromEntries(
      [
        ...config.parameters,
        ...(config.schedulerName === "" ? [] : [[schedulerParameter, config.schedulerName] as const]),
      ].map(([name, value]) => [name, { string_value: value }]),
    ),
    ...(config.repositoryAgents.length === 0 ? {} : { model_repository_agents: renderAgents(config) }),
    model_warmup: config.modelWarmup.map(renderWarmup),
    ...(config.isResponseCacheEnabled ? { response_cache: { enable: true } } : {}),
    ...(config.isDecoupled ? { model_transaction_policy: { decoupled: true } } : {}),
    ...(config.histogramBuckets.size === 0 ? {} : { model_metrics: renderMetrics(config) }),
  };
}

function renderAgents({
  repositoryAgents,
}: ModelConfig): NonNullable<wire.ModelConfigFields["model_repository_agents"]> {
  const agents = repositoryAgents.map(({ name, parameters }) => ({
    name,
    parameters: Object.fromEntries(parameters),
  }));
  return { agents };
}

function renderMetrics({ histogramBuckets }: ModelConfig): wire.ModelMetrics {
  const controls = [...histogramBuckets].map(([family, buckets]) => ({
    metric_identifier: { family },
    histogram_options: { buckets: [...buckets] },
  }));
  return { metric_control: controls };
}

function renderVersionPolicy(policy: VersionPolicy): wire.ModelVersionPolicy {
  switch (policy.kind) {
    case "latest":
      return { latest: { num_versions: policy.numVersions } };
    case "all":
      return { all: {} };
    case "specific":
      return { specific: { versions: [...policy.versions] } };
  }
}

function renderReshape(tensor: ModelTensorConfig): { reshape?: wire.ModelTensorReshape } {
  return tensor.reshape === null ? {} : { reshape: { shape: [...tensor.reshape] } };
}

function renderInput(input: ModelInput): wire.ModelInput {
  return {
    name: input.name,
    data_type: configDataTypeName(input.datatype),
    format: input.format,
    dims: [...input.dims],
    ...renderReshape(input),
    is_shape_tensor: false,
    allow_ragged_batch: input.allowRaggedBatch,
    optional: input.isOptional,
    is_non_linear_format_io: false,
  };
}

function renderOutput(output: ModelOutput): wire.ModelOutput {
  return {
    name: output.name,
    data_type: configDataTypeName(output.datatype),
    dims: [...output.dims],
    ...renderReshape(output),
    label_filename: output.labelFilename,
    is_shape_tensor: false,
    is_non_linear_format_io: false,
  };
}

function renderBatchInput(input: BatchInput): wire.BatchInput {
  return {
    kind: input.kind,
    target_name: [input.targetName[0] ?? "", ...input.targetName.slice(1)],
    data_type: configDataTypeName(input.datatype),
    source_input: [input.sourceInput],
  };
}

function renderBatchOutput(output: BatchOutput): wire.BatchOutput {
  return {
    target_name: [output.targetName[0] ?? "", ...output.targetName.slice(1)],
    kind: "BATCH_SCATTER_WITH_INPUT_SHAPE",
    source_input: [output.sourceInput],
  };
}

function renderDynamicBatching(batching: DynamicBatching): wire.ModelDynamicBatching {
  return {
    preferred_batch_size: [...batching.preferredBatchSize],
    max_queue_delay_microseconds: batching.maxQueueDelayUs,
    // Not a field of Triton's: clients that know no other see it only where it is used.
    ...(batching.latencyTargetUs === 0 ? {} : { latency_target_microseconds: batching.latencyTargetUs }),
    ...(batching.pad.length === 0
      ? {}
      : {
          pad: Object.fromEntries(batching.pad.map((rule) => [rule.input, renderPadding(rule)])),
          max_padding_share: batching.maxPaddingShare,
        }),
    preserve_ordering: batching.preserveOrdering,
    priority_levels: batching.priorityLevels,
    default_priority_level: batching.defaultPriorityLevel,
    ...(hasLimits(batching.defaultQueuePolicy)
      ? { default_queue_policy: renderQueuePolicy(batching.defaultQueuePolicy) }
      : {}),
    priority_queue_policy: Object.fromEntries(
      [...batching.priorityQueuePolicy].map(([level, policy]) => [String(level), renderQueuePolicy(policy)]),
    ),
  };
}

function renderPadding({ axis, value, multipleOf, mask, outputs }: PaddingRule): wire.ModelPadding {
  return {
    axis,
    value,
    ...(mask === null ? {} : { mask: mask.name, mask_data_type: configDataTypeName(mask.datatype) }),
    multiple_of: multipleOf,
    outputs: Object.fromEntries(outputs),
  };
}

/** A policy without any is left out, as protobuf leaves out a message that was not given. */
function hasLimits(policy: QueuePolicy): boolean {
  return (
    policy.timeoutAction !== "REJECT" ||
    policy.defaultTimeoutUs !== 0 ||
    policy.allowTimeoutOverride ||
    policy.maxQueueSize !== 0
  );
}

function renderQueuePolicy(policy: QueuePolicy): wire.ModelQueuePolicy {
  return {
    timeout_action: policy.timeoutAction,
    default_timeout_microseconds: policy.defaultTimeoutUs,
    allow_timeout_override: policy.allowTimeoutOverride,
    max_queue_size: policy.maxQueueSize,
  };
}

function renderEnsemble({ steps, maxInflightRequests }: EnsembleScheduling): wire.ModelEnsembling {
  return {
    step: steps.map((step) => ({
      model_name: step.modelName,
      model_version: step.modelVersion,
      input_map: Object.fromEntries(step.inputMap),
      output_map: Object.fromEntries(step.outputMap),
      model_namespace: "",
    })),
    max_inflight_requests: maxInflightRequests,
  };
}

function renderInstanceGroup(group: InstanceGroup): wire.ModelInstanceGroup {
  return {
    name: group.name,
    kind: group.kind,
    count: group.count,
    gpus: [...group.gpus],
    ...(group.rateLimiter === null ? {} : { rate_limiter: renderRateLimiter(group.rateLimiter) }),
    secondary_devices: [],
    profile: [],
    passive: group.isPassive,
    host_policy: "",
  };
}

function renderRateLimiter({ resources, priority }: RateLimiterConfig): wire.ModelRateLimiter {
  return {
    resources: resources.map(({ name, isGlobal, count }) => ({ name, global: isGlobal, count })),
    priority,
  };
}

function renderWarmup({ name, batchSize, inputs, count }: WarmupSampleConfig): wire.ModelWarmup {
  const rendered = [...inputs].map(([input, { datatype, dims, source }]) => [
    input,
    { data_type: configDataTypeName(datatype), dims: [...dims], ...renderWarmupSource(source) },
  ]);
  return {
    name,
    batch_size: batchSize,
    inputs: Object.fromEntries(rendered) as NonNullable<wire.ModelWarmup["inputs"]>,
    count,
  };
}

function renderWarmupSource(source: WarmupSource): object {
  if (source.kind === "file") return { input_data_file: source.filename };
  return source.kind === "random" ? { random_data: true } : { zero_data: true };
}
