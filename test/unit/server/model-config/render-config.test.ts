import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import fc from "fast-check";
import { describe, it } from "mocha";
import protobuf from "protobufjs";
import { dataTypes } from "../../../../server/core/data-type.ts";
import { completeModelConfig, draftModelConfig } from "../../../../server/model-config/complete-config.ts";
import {
  type ModelConfig,
  type ModelTensorConfig,
  modelDims,
  withBatchDim,
} from "../../../../server/model-config/model-config.ts";
import type { Signature } from "../../../../server/model-config/model-signature.ts";
import { parseModelConfig } from "../../../../server/model-config/read-config.ts";
import { renderModelConfig } from "../../../../server/model-config/render-config.ts";

/** The config of a file with this content, for a model that fits it. */
function read(content: object): ModelConfig {
  const draft = draftModelConfig({
    document: parseModelConfig(JSON.stringify(content), "f"),
    modelName: "m",
    versionDirectoryEntries: ["model.onnx"],
    isAutoCompleteEnabled: true,
    backends: [
      {
        name: "onnxruntime",
        platforms: ["onnxruntime_onnx"],
        defaultModelFilename: "model.onnx",
        defaultCpuInstanceCount: 2,
        executionStyle: "batch",
      },
    ],
  });
  return completeModelConfig(draft, { signature: signatureOf(draft.config), completion: null }, 4).config;
}

function signatureOf(config: ModelConfig): Signature {
  const { maxBatchSize, input, output } = config;
  const tensors = (list: readonly ModelTensorConfig[]): Signature["inputs"] =>
    list.map((tensor) => ({
      name: tensor.name,
      datatype: tensor.datatype,
      modelType: tensor.datatype,
      shape: withBatchDim(modelDims(tensor), maxBatchSize),
    }));
  return { inputs: tensors(input), outputs: tensors(output) };
}

const simple = {
  max_batch_size: 8,
  input: [{ name: "INPUT0", data_type: "TYPE_INT32", dims: ["16"] }],
  output: [{ name: "OUTPUT0", data_type: "TYPE_STRING", dims: [1], reshape: { shape: [] } }],
  dynamic_batching: { max_queue_delay_microseconds: "100" },
  parameters: { intra_op_thread_count: { string_value: "1" } },
};

describe("renderModelConfig", () => {
  it("prints a latency target where there is one", () => {
    const config = renderModelConfig(
      read({ ...simple, dynamic_batching: { latency_target_microseconds: 700 } }),
    );
    assert.equal(config.dynamic_batching?.latency_target_microseconds, 700);
    assert.deepEqual(config.dynamic_batching.preferred_batch_size, []);
  });

  it("prints what depends on the composition of a batch, as it was given", () => {
    const given = {
      ...simple,
      input: [{ name: "INPUT0", data_type: "TYPE_INT32", dims: [-1], allow_ragged_batch: true }],
      batch_input: [
        {
          kind: "BATCH_ACCUMULATED_ELEMENT_COUNT",
          target_name: ["a", "b"],
          data_type: "TYPE_FP32",
          source_input: ["INPUT0"],
        },
      ],
      batch_output: [
        {
          target_name: ["OUTPUT0"],
          kind: "BATCH_SCATTER_WITH_INPUT_SHAPE",
          source_input: ["INPUT0"],
        },
      ],
    };
    const draft = draftModelConfig({
      document: parseModelConfig(JSON.stringify(given), "f"),
      modelName: "m",
      versionDirectoryEntries: ["model.onnx"],
      isAutoCompleteEnabled: true,
      backends: [
        {
          name: "onnxruntime",
          platforms: [],
          defaultModelFilename: "model.onnx",
          executionStyle: "batch",
          defaultCpuInstanceCount: 2,
        },
      ],
    });
    const config = renderModelConfig(draft.config);
    assert.deepEqual(config.batch_input, given.batch_input);
    assert.deepEqual(config.batch_output, given.batch_output);
    assert.equal(config.input?.[0]?.allow_ragged_batch, true);
  });

  it("prints priorities and queue policies, each policy whole", () => {
    const policy = {
      timeout_action: "DELAY",
      default_timeout_microseconds: 5,
      allow_timeout_override: true,
      max_queue_size: 7,
    };
    const given = {
      preferred_batch_size: [8],
      max_queue_delay_microseconds: 100,
      preserve_ordering: false,
      priority_levels: 3,
      default_priority_level: 2,
      default_queue_policy: policy,
      priority_queue_policy: { "1": { ...policy, timeout_action: "REJECT" } },
    };
    const config = renderModelConfig(read({ ...simple, dynamic_batching: given }));
    assert.deepEqual(config.dynamic_batching, given);
  });

  it("prints proto names, every scalar default, and 64-bit integers as numbers", () => {
    assert.deepEqual(renderModelConfig(read(simple)), {
      name: "m",
      platform: "onnxruntime_onnx",
      backend: "onnxruntime",
      runtime: "",
      version_policy: { latest: { num_versions: 1 } },
      max_batch_size: 8,
      input: [
        {
          name: "INPUT0",
          data_type: "TYPE_INT32",
          format: "FORMAT_NONE",
          dims: [16],
          is_shape_tensor: false,
          allow_ragged_batch: false,
          optional: false,
          is_non_linear_format_io: false,
        },
      ],
      output: [
        {
          name: "OUTPUT0",
          data_type: "TYPE_STRING",
          dims: [1],
          reshape: { shape: [] },
          label_filename: "",
          is_shape_tensor: false,
          is_non_linear_format_io: false,
        },
      ],
      batch_input: [],
      batch_output: [],
      optimization: {
        priority: "PRIORITY_DEFAULT",
        input_pinned_memory: { enable: true },
        output_pinned_memory: { enable: true },
        gather_kernel_buffer_threshold: 0,
        eager_batching: false,
      },
      dynamic_batching: {
        preferred_batch_size: [8],
        max_queue_delay_microseconds: 100,
        preserve_ordering: false,
        priority_levels: 0,
        default_priority_level: 0,
        priority_queue_policy: {},
      },
      instance_group: [
        {
          name: "m",
          kind: "KIND_CPU",
          count: 2,
          gpus: [],
          secondary_devices: [],
          profile: [],
          passive: false,
          host_policy: "",
        },
      ],
      default_model_filename: "model.onnx",
      cc_model_filenames: {},
      metric_tags: {},
      parameters: { intra_op_thread_count: { string_value: "1" } },
      model_warmup: [],
    });
  });

  it("prints the graph level only when it is not the default", () => {
    const rendered = renderModelConfig(read({ ...simple, optimization: { graph: { level: 2 } } }));
    assert.deepEqual(rendered.optimization?.graph, { level: 2 });
  });

  it("has what the protobuf message has", () => {
    const rendered = renderModelConfig(read(simple));
    const proto = readFileSync(resolve("protos/model_config.proto"), "utf8");
    const type = protobuf.parse(proto, { keepCase: true }).root.lookupType("inference.ModelConfig");
    const message = type.decode(type.encode(type.fromObject(rendered)).finish());
    const options = { enums: String, longs: Number, defaults: true, arrays: true, objects: true };
    assertContains(type.toObject(message, options), rendered, "ModelConfig");
  });
});

/** Every member of `expected` is in `actual`, which may have more members that are null or empty. */
function assertContains(actual: unknown, expected: unknown, path: string): void {
  if (typeof expected !== "object" || expected === null) {
    assert.equal(actual, expected, path);
    return;
  }
  assert.ok(typeof actual === "object" && actual !== null, path);
  const fields = new Map<string, unknown>(Object.entries(actual));
  for (const [key, value] of Object.entries(expected))
    assertContains(fields.get(key), value, `${path}.${key}`);
  if (Array.isArray(expected)) assert.equal(fields.size, expected.length, path);
}

const name = fc.stringMatching(/^[a-zA-Z_][a-zA-Z0-9_.]{0,8}$/);
const dims = fc.array(fc.oneof(fc.constant(-1), fc.integer({ min: 1, max: 100 })), {
  minLength: 1,
  maxLength: 4,
});
const dataType = fc.constantFrom(
  ...dataTypes.map((type) => (type === "BYTES" ? "TYPE_STRING" : `TYPE_${type}`)),
);

function tensorList(): fc.Arbitrary<object[]> {
  const tensor = fc
    .record({ name, data_type: dataType, dims, isReshaped: fc.boolean() })
    .map(({ isReshaped, ...fields }) => ({
      ...fields,
      ...(isReshaped ? { reshape: { shape: [1, ...fields.dims] } } : {}),
    }));
  return fc.uniqueArray(tensor, { minLength: 1, maxLength: 3, selector: (fields) => fields.name });
}

const anyConfig = fc.record(
  {
    max_batch_size: fc.integer({ min: 0, max: 64 }),
    input: tensorList(),
    output: tensorList(),
    version_policy: fc.oneof(
      fc.constant({ all: {} }),
      fc.record({ latest: fc.record({ num_versions: fc.integer({ min: 1, max: 9 }) }) }),
      fc.record({ specific: fc.record({ versions: fc.array(fc.nat(), { minLength: 1, maxLength: 4 }) }) }),
    ),
    instance_group: fc.array(
      fc.oneof(
        fc.record({ kind: fc.constantFrom("KIND_CPU", "KIND_AUTO"), count: fc.nat(4) }),
        fc.record({
          kind: fc.constant("KIND_GPU"),
          count: fc.nat(4),
          gpus: fc.uniqueArray(fc.nat(7), { maxLength: 3 }),
        }),
      ),
      { maxLength: 3 },
    ),
    dynamic_batching: fc.record({ max_queue_delay_microseconds: fc.maxSafeNat() }),
    default_model_filename: fc.constantFrom("model.onnx", "sub/net.onnx"),
    metric_tags: fc.dictionary(fc.stringMatching(/^[a-z0-9_]{1,6}$/), fc.string()),
    model_metrics: fc.record({
      metric_control: fc.array(
        fc.record({
          metric_identifier: fc.record({ family: name }),
          histogram_options: fc.record({ buckets: fc.constantFrom([1], [0.5, 2, 1e6]) }),
        }),
        { maxLength: 3 },
      ),
    }),
    parameters: fc.dictionary(fc.string({ maxLength: 6 }), fc.record({ string_value: fc.string() })),
    optimization: fc.record({ graph: fc.record({ level: fc.constantFrom(-1, 0, 1, 2) }) }),
  },
  { requiredKeys: ["input", "output"] },
);

describe("renderModelConfig and parseModelConfig", () => {
  it("give the same config again", () => {
    fc.assert(
      fc.property(anyConfig, (content) => {
        const config = read({ backend: "onnxruntime", ...content });
        assert.deepEqual(read(renderModelConfig(config)), config);
      }),
      { numRuns: 300 },
    );
  });
});
