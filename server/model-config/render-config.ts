import { configDataTypeName } from "../core/data-type.ts";
import type * as wire from "./model-config.gen.ts";
import type {
  DynamicBatching,
  EnsembleScheduling,
  InstanceGroup,
  ModelConfig,
  ModelInput,
  ModelOutput,
  ModelTensorConfig,
  VersionPolicy,
} from "./model-config.ts";

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
    batch_input: [],
    batch_output: [],
    optimization: {
      ...(config.optimization.graphLevel === 0 ? {} : { graph: { level: config.optimization.graphLevel } }),
      priority: "PRIORITY_DEFAULT",
      input_pinned_memory: { enable: true },
      output_pinned_memory: { enable: true },
      gather_kernel_buffer_threshold: 0,
      eager_batching: false,
    },
    ...(config.dynamicBatching === null
      ? {}
      : { dynamic_batching: renderDynamicBatching(config.dynamicBatching) }),
    ...(config.ensembleScheduling === null
      ? {}
      : { ensemble_scheduling: renderEnsemble(config.ensembleScheduling) }),
    instance_group: config.instanceGroup.map(renderInstanceGroup),
    default_model_filename: config.defaultModelFilename,
    cc_model_filenames: {},
    metric_tags: Object.fromEntries(config.metricTags),
    parameters: Object.fromEntries(
      [...config.parameters].map(([name, value]) => [name, { string_value: value }]),
    ),
    model_warmup: [],
    ...(config.isResponseCacheEnabled ? { response_cache: { enable: true } } : {}),
  };
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
    allow_ragged_batch: false,
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

function renderDynamicBatching(batching: DynamicBatching): wire.ModelDynamicBatching {
  return {
    preferred_batch_size: [...batching.preferredBatchSize],
    max_queue_delay_microseconds: batching.maxQueueDelayUs,
    preserve_ordering: false,
    priority_levels: 0,
    default_priority_level: 0,
    priority_queue_policy: {},
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
    secondary_devices: [],
    profile: [],
    passive: false,
    host_policy: "",
  };
}
