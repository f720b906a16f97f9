import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { candidateConfig } from "../../../tune/candidate-config.ts";

const settings = { instanceCount: 2, threadCount: 3, maxBatchSize: 16, queueDelayUs: 500 };

describe("candidateConfig", () => {
  it("puts the settings into a config that says nothing", () => {
    assert.deepEqual(candidateConfig({}, settings, true), {
      max_batch_size: 16,
      instance_group: [{ kind: "KIND_CPU", count: 2 }],
      parameters: { intra_op_thread_count: { string_value: "3" } },
      dynamic_batching: { max_queue_delay_microseconds: 500 },
    });
  });

  it("keeps everything else that the author wrote", () => {
    const fields = {
      name: "m",
      backend: "onnxruntime",
      max_batch_size: 32,
      instance_group: [{ name: "g", kind: "KIND_CPU" as const, count: 1 }],
      parameters: { execution_mode: { string_value: "1" }, intra_op_thread_count: { string_value: "9" } },
      dynamic_batching: { preferred_batch_size: [8, 32], preserve_ordering: true },
    };
    const before = structuredClone(fields);
    assert.deepEqual(candidateConfig(fields, settings, true), {
      name: "m",
      backend: "onnxruntime",
      max_batch_size: 16,
      instance_group: [{ name: "g", kind: "KIND_CPU", count: 2 }],
      parameters: { execution_mode: { string_value: "1" }, intra_op_thread_count: { string_value: "3" } },
      // 32 would be above the largest batch.
      dynamic_batching: {
        preferred_batch_size: [8],
        preserve_ordering: true,
        max_queue_delay_microseconds: 500,
      },
    });
    assert.deepEqual(fields, before, "the original is not changed");
  });

  it("leaves alone what is not tuned", () => {
    const fields = { instance_group: [{ count: 1 }, { count: 2 }], max_batch_size: 0 };
    const none = { instanceCount: 3, threadCount: null, maxBatchSize: 0, queueDelayUs: null };
    assert.deepEqual(candidateConfig(fields, none, false), fields);
  });

  it("has no list of preferred sizes rather than an empty one", () => {
    const fields = { dynamic_batching: { preferred_batch_size: [64] } };
    assert.deepEqual(candidateConfig(fields, settings, true).dynamic_batching, {
      max_queue_delay_microseconds: 500,
    });
  });
});
