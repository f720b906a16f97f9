import { configDataTypeName, dataTypes, type DataType } from "../server/core/data-type.ts";
import { type ConfigFile, writeModelDirectory } from "./model-directory.ts";
import { failingModel, identityModel, slowModel, sumDifferenceModel } from "./onnx-builder/model-zoo.ts";

/** Items of the tensors of the fixed-size identity models. */
const fixedLength = 16;

/** Products of matrices in the slow model: some 100 ms. */
const slowLoops = 8_000;

/** Types that ONNX Runtime's Node binding carries: all but BF16, which its type map lacks. */
export const fixtureDataTypes: readonly DataType[] = dataTypes.filter((type) => type !== "BF16");

/** Fields that every fixture model has. One instance, so that the order of executions is known. */
function identityConfig(datatype: DataType, dims: readonly number[], batching: ConfigFile): ConfigFile {
  const tensor = { data_type: configDataTypeName(datatype), dims };
  return {
    backend: "onnxruntime",
    ...batching,
    input: [{ name: "INPUT0", ...tensor }],
    output: [{ name: "OUTPUT0", ...tensor }],
    instance_group: [{ kind: "KIND_CPU", count: 1 }],
  };
}

/** As people write it for Triton: lists and repeated fields, both kinds of brackets, comments, enums by number. */
const tritonSumConfig = `# Sum and difference of two vectors
name: "triton_sum"
platform: "onnxruntime_onnx"
max_batch_size: 8
input [
  {
    name: "INPUT0"
    data_type: TYPE_INT32
    dims: [ 16 ]
  },
  {
    name: "INPUT1"
    data_type: 8
    dims: 16
  }
]
output: { name: "OUTPUT0" data_type: TYPE_INT32 dims: [ 16 ] }
output: < name: 'OUTPUT' "1"; data_type: TYPE_INT32; dims: [ 16 ]; >
version_policy: { all { } }
instance_group [ { count: 1 kind: KIND_CPU } ]
dynamic_batching { max_queue_delay_microseconds: 100 }
parameters { key: "intra_op_thread_count" value: { string_value: "1" } }
`;

/** TWICE = (A + B) + (A - B). */
const tritonPipelineConfig = `name: "triton_pipeline"
platform: "ensemble"
max_batch_size: 8
input [
  { name: "A" data_type: TYPE_INT32 dims: [ 16 ] },
  { name: "B" data_type: TYPE_INT32 dims: [ 16 ] }
]
output [ { name: "TWICE" data_type: TYPE_INT32 dims: [ 16 ] } ]
ensemble_scheduling {
  step [
    {
      model_name: "triton_sum"
      model_version: -1
      input_map { key: "INPUT0" value: "A" }
      input_map { key: "INPUT1" value: "B" }
      output_map { key: "OUTPUT0" value: "sum" }
      output_map { key: "OUTPUT1" value: "difference" }
    },
    {
      model_name: "triton_sum"
      model_version: 1
      input_map [ { key: "INPUT0" value: "sum" }, { key: "INPUT1" value: "difference" } ]
      output_map { key: "OUTPUT0" value: "TWICE" }
    }
  ]
}
`;

/** Writes models as a repository for Triton has them: with a `config.pbtxt` and nothing else. */
export function writeTritonModels(repository: string): void {
  writeModelDirectory(repository, "triton_sum", tritonSumConfig, sumDifferenceModel());
  writeModelDirectory(repository, "triton_pipeline", tritonPipelineConfig, null);
}

/**
 * Writes the models that tests use beside the sample models. All but the last answer OUTPUT0 = INPUT0.
 *
 * - `identity_<type>_any`: for each data type of {@link fixtureDataTypes}; up to 8 rows of any length, no batcher.
 * - `identity_fp32`: 16 values, up to 64 rows, dynamic batching with its defaults.
 * - `identity_fp32_eights`: 16 values; batches of 8 are preferred and waited for up to 5 s, so a test can know
 *   how many executions its requests take.
 * - `slow_levels`: 16 values, one row; takes 100 ms or more. Two priority levels, of which 2 is the default, and a timeout
 *   that requests may shorten.
 * - `fixture_no_config`: 16 values and no `config.json`.
 * - `triton_sum`, `triton_pipeline`: a model and an ensemble with a `config.pbtxt`, see {@link writeTritonModels}.
 * - `failing`: INT64 index to FP32 value; fails at run time for an index of 4 or more.
 */
export function writeFixtureRepository(repository: string): void {
  for (const datatype of fixtureDataTypes) {
    const config = identityConfig(datatype, [-1], { max_batch_size: 8 });
    const model = identityModel(datatype, ["batch", "length"]);
    writeModelDirectory(repository, `identity_${datatype.toLowerCase()}_any`, config, model);
  }
  const fixed = identityModel("FP32", ["batch", fixedLength]);
  const dims = [fixedLength];
  writeModelDirectory(
    repository,
    "identity_fp32",
    identityConfig("FP32", dims, { max_batch_size: 64, dynamic_batching: {} }),
    fixed,
  );
  writeModelDirectory(
    repository,
    "identity_fp32_eights",
    identityConfig("FP32", dims, {
      max_batch_size: 64,
      dynamic_batching: { preferred_batch_size: [8], max_queue_delay_microseconds: 5_000_000 },
    }),
    fixed,
  );
  writeModelDirectory(
    repository,
    "slow_levels",
    identityConfig("FP32", dims, {
      max_batch_size: 1,
      dynamic_batching: {
        priority_levels: 2,
        default_priority_level: 2,
        default_queue_policy: { default_timeout_microseconds: 60_000_000, allow_timeout_override: true },
      },
    }),
    slowModel(slowLoops),
  );
  writeModelDirectory(repository, "fixture_no_config", null, fixed);
  writeTritonModels(repository);
  writeModelDirectory(repository, "failing", { backend: "onnxruntime" }, failingModel());
}
