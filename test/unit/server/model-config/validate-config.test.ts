import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { draftModelConfig } from "../../../../server/model-config/complete-config.ts";
import { parseModelConfig } from "../../../../server/model-config/read-config.ts";

/** What the rules between fields say of a config: its lines without the file's name. */
function problemsOf(config: object): string[] {
  try {
    draftModelConfig({
      document: parseModelConfig(JSON.stringify(config), "f"),
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
    return [];
  } catch (error) {
    assert.ok(error instanceof Error);
    return error.message.split("\n").map((line) => line.replace(/^f: /, ""));
  }
}

function io(fields: object): object {
  return { name: "a", data_type: "TYPE_FP32", dims: [4], ...fields };
}

describe("validateModelConfig", () => {
  it("accepts three dims with an image format, and refuses others", () => {
    assert.deepEqual(problemsOf({ input: [io({ format: "FORMAT_NHWC", dims: [8, 8, 3] })] }), []);
    assert.deepEqual(problemsOf({ input: [io({ format: "FORMAT_NHWC" })] }), [
      '"input[0].format": FORMAT_NHWC needs 3 dims, got 1',
    ]);
  });

  it("leaves it to the backend whether inputs of a model that batches can be optional", () => {
    assert.deepEqual(problemsOf({ max_batch_size: 4, input: [io({ optional: true })] }), []);
  });

  it("refuses names that repeat", () => {
    const config = {
      input: [io({}), io({})],
      output: [io({}), io({ name: "b" }), io({ name: "b" })],
      instance_group: [{ name: "g" }, { name: "g" }],
    };
    assert.deepEqual(problemsOf(config), [
      "\"input[1].name\": 'a' is the name of input[0] too",
      "\"output[2].name\": 'b' is the name of output[1] too",
      "\"instance_group[1].name\": 'g' is the name of instance_group[0] too",
    ]);
  });

  it("refuses preferred sizes beyond the largest batch", () => {
    const config = { max_batch_size: 8, dynamic_batching: { preferred_batch_size: [4, 9] } };
    assert.deepEqual(problemsOf(config), [
      '"dynamic_batching.preferred_batch_size[1]" must be <= max_batch_size 8, got 9',
    ]);
  });

  it("refuses a default priority level that is none of the levels", () => {
    const problem = (levels: number, level: number): string[] =>
      problemsOf({ dynamic_batching: { priority_levels: levels, default_priority_level: level } });
    assert.deepEqual(problem(3, 1), []);
    assert.deepEqual(problem(3, 3), []);
    assert.deepEqual(problem(0, 0), []);
    const text = '"dynamic_batching.default_priority_level" must be from 1 to priority_levels 3, got';
    assert.deepEqual(problem(3, 0), [`${text} 0`]);
    assert.deepEqual(problem(3, 4), [`${text} 4`]);
  });

  it("refuses queue policies of levels that do not exist", () => {
    const problem = (levels: number): string[] =>
      problemsOf({
        dynamic_batching: {
          priority_levels: levels,
          default_priority_level: Math.min(1, levels),
          priority_queue_policy: { "0": {}, "2": {}, "3": {} },
        },
      });
    const path = '"dynamic_batching.priority_queue_policy';
    assert.deepEqual(problem(2), [`${path}["0"]": levels are 1 to 2`, `${path}["3"]": levels are 1 to 2`]);
    assert.equal(problem(0).length, 3);
    assert.equal(problem(0)[1], `${path}["2"]": there are no priority_levels`);
  });

  it("refuses to preserve an order that priorities or delays change", () => {
    const problem = (fields: object): string[] =>
      problemsOf({ dynamic_batching: { preserve_ordering: true, ...fields } });
    const delay = { timeout_action: "DELAY", default_timeout_microseconds: 5 };
    assert.deepEqual(problem({ priority_levels: 1, default_priority_level: 1 }), []);
    assert.deepEqual(problem({ default_queue_policy: { ...delay, timeout_action: "REJECT" } }), []);
    assert.deepEqual(problem({ default_queue_policy: { timeout_action: "DELAY" } }), []);
    assert.deepEqual(problem({ priority_levels: 2, default_priority_level: 1 }), [
      '"dynamic_batching.preserve_ordering": priorities change the order, use at most 1 of priority_levels, got 2',
    ]);
    assert.deepEqual(problem({ default_queue_policy: delay }), [
      '"dynamic_batching.preserve_ordering": "dynamic_batching.default_queue_policy" changes the order, because its timeout_action is DELAY: use REJECT',
    ]);
    assert.equal(
      problem({
        priority_levels: 1,
        default_priority_level: 1,
        priority_queue_policy: { "1": delay },
      }).length,
      1,
    );
  });

  it("refuses what a latency target takes the place of, or cannot be kept with", () => {
    const problem = (fields: object, optimization: object = {}): string[] =>
      problemsOf({
        max_batch_size: 8,
        dynamic_batching: { latency_target_microseconds: 1_000, ...fields },
        optimization,
      });
    const target = '"dynamic_batching.latency_target_microseconds"';
    const excluded = (path: string): string[] => [
      `${target} and "${path}" exclude each other: leave one of them out`,
    ];
    assert.deepEqual(problem({ default_queue_policy: { max_queue_size: 4 }, preserve_ordering: true }), []);
    assert.deepEqual(
      problem({ preferred_batch_size: [4] }),
      excluded("dynamic_batching.preferred_batch_size"),
    );
    assert.deepEqual(
      problem({ max_queue_delay_microseconds: 4 }),
      excluded("dynamic_batching.max_queue_delay_microseconds"),
    );
    assert.deepEqual(problem({}, { eager_batching: true }), excluded("optimization.eager_batching"));
    assert.deepEqual(problem({ priority_levels: 2, default_priority_level: 1 }), [
      `${target}: priorities change the order, use at most 1 of priority_levels, got 2`,
    ]);
  });

  it("refuses a model whose instances are all passive", () => {
    assert.deepEqual(problemsOf({ instance_group: [{}, { passive: true }] }), []);
    assert.deepEqual(problemsOf({ instance_group: [{ passive: true }] }), [
      '"instance_group": all groups are passive, so that no instance would be given work',
    ]);
  });

  it("refuses GPUs of a group on the CPU, and a GPU listed twice", () => {
    const config = {
      instance_group: [
        { kind: "KIND_CPU", gpus: [0] },
        { kind: "KIND_GPU", gpus: [1, 1] },
      ],
    };
    assert.deepEqual(problemsOf(config), [
      "\"instance_group[0].gpus\": instance group 'm_0' has kind KIND_CPU and lists GPUs",
      "\"instance_group[1].gpus\": instance group 'm_1' lists a GPU twice",
    ]);
  });

  it("names the tensor whose reshape is wrong", () => {
    assert.deepEqual(problemsOf({ input: [io({}), io({ name: "b", reshape: { shape: [5] } })] }), [
      '"input[1].reshape": dims [4] and reshape [5] must have the same number of elements',
    ]);
  });
});
