import assert from "node:assert/strict";
import { describe, it } from "mocha";
import type { ModelConfig } from "../../../../server/model-config/model-config.ts";
import { normaliseModelConfig } from "../../../../server/model-config/normalise-config.ts";
import { parseModelConfig } from "../../../../server/model-config/read-config.ts";
import { makeDynamicBatching, makeQueuePolicy } from "../../../helpers/model-config.ts";

function normalise(config: object): ModelConfig {
  const { fields } = parseModelConfig(JSON.stringify(config), "config.json");
  return normaliseModelConfig(fields, "m", {
    backend: {
      name: "b",
      platforms: ["p"],
      defaultModelFilename: "model.b",
      defaultCpuInstanceCount: 3,
      executionStyle: "batch",
    },
    platform: "p",
    defaultModelFilename: "model.b",
  });
}

describe("normaliseModelConfig version policy", () => {
  it("serves the newest version by default", () => {
    assert.deepEqual(normalise({}).versionPolicy, { kind: "latest", numVersions: 1 });
    assert.deepEqual(normalise({ version_policy: {} }).versionPolicy, { kind: "latest", numVersions: 1 });
  });
  it("keeps latest, all and specific", () => {
    assert.deepEqual(normalise({ version_policy: { latest: { num_versions: 3 } } }).versionPolicy, {
      kind: "latest",
      numVersions: 3,
    });
    assert.deepEqual(normalise({ version_policy: { all: {} } }).versionPolicy, { kind: "all" });
    assert.deepEqual(normalise({ version_policy: { specific: { versions: ["1", 3, 1] } } }).versionPolicy, {
      kind: "specific",
      versions: [1, 3],
    });
  });
});

describe("normaliseModelConfig dynamic batching", () => {
  it("prefers the largest batch by default", () => {
    assert.deepEqual(
      normalise({ max_batch_size: 8, dynamic_batching: {} }).dynamicBatching,
      makeDynamicBatching({ preferredBatchSize: [8] }),
    );
  });
  it("prefers no size where a latency target decides", () => {
    const batching = { latency_target_microseconds: 500 };
    assert.deepEqual(
      normalise({ max_batch_size: 8, dynamic_batching: batching }).dynamicBatching,
      makeDynamicBatching({ preferredBatchSize: [], latencyTargetUs: 500 }),
    );
  });
  it("reads priorities, policies and order", () => {
    const policy = { max_queue_size: 3, default_timeout_microseconds: 50 };
    const batching = normalise({
      max_batch_size: 8,
      dynamic_batching: {
        preserve_ordering: true,
        priority_levels: 4,
        default_priority_level: 2,
        default_queue_policy: { timeout_action: "DELAY", allow_timeout_override: true },
        priority_queue_policy: { "3": policy },
      },
    }).dynamicBatching;
    assert.deepEqual(
      batching,
      makeDynamicBatching({
        preserveOrdering: true,
        priorityLevels: 4,
        defaultPriorityLevel: 2,
        defaultQueuePolicy: makeQueuePolicy({ timeoutAction: "DELAY", allowTimeoutOverride: true }),
        priorityQueuePolicy: new Map([[3, makeQueuePolicy({ maxQueueSize: 3, defaultTimeoutUs: 50 })]]),
      }),
    );
  });
  it("prefers nothing for a model that does not batch", () => {
    assert.deepEqual(normalise({ dynamic_batching: {} }).dynamicBatching?.preferredBatchSize, []);
  });
  it("is null when it is not given", () =>
    assert.equal(normalise({ max_batch_size: 8 }).dynamicBatching, null));
});

describe("normaliseModelConfig instance groups", () => {
  function groups(...given: object[]): unknown {
    return normalise({ instance_group: given }).instanceGroup;
  }
  it("makes one group called like the model", () => {
    assert.deepEqual(groups(), [
      { name: "m", kind: "KIND_CPU", count: 3, gpus: [], isPassive: false, rateLimiter: null },
    ]);
  });
  it("numbers the groups that have no name", () => {
    assert.deepEqual(groups({ count: 1 }, { name: "own", count: 2 }, { count: 5 }), [
      { name: "m_0", kind: "KIND_CPU", count: 1, gpus: [], isPassive: false, rateLimiter: null },
      { name: "own", kind: "KIND_CPU", count: 2, gpus: [], isPassive: false, rateLimiter: null },
      { name: "m_2", kind: "KIND_CPU", count: 5, gpus: [], isPassive: false, rateLimiter: null },
    ]);
  });
  it("takes the backend's count on the CPU and 1 on a GPU", () => {
    assert.deepEqual(groups({ kind: "KIND_CPU", count: 0 }, { kind: "KIND_GPU" }), [
      { name: "m_0", kind: "KIND_CPU", count: 3, gpus: [], isPassive: false, rateLimiter: null },
      { name: "m_1", kind: "KIND_GPU", count: 1, gpus: [], isPassive: false, rateLimiter: null },
    ]);
  });
  it("uses a GPU only when it is asked to", () => {
    assert.deepEqual(groups({ kind: "KIND_AUTO" }, { kind: "KIND_AUTO", gpus: [1] }), [
      { name: "m_0", kind: "KIND_CPU", count: 3, gpus: [], isPassive: false, rateLimiter: null },
      { name: "m_1", kind: "KIND_GPU", count: 1, gpus: [1], isPassive: false, rateLimiter: null },
    ]);
  });
});

describe("normaliseModelConfig tensors", () => {
  it("translates names, types and reshape", () => {
    const config = normalise({
      input: [
        {
          name: "i",
          data_type: "TYPE_STRING",
          dims: [1, 2, 3],
          format: "FORMAT_NCHW",
          optional: true,
          reshape: { shape: [6] },
        },
      ],
      output: [{ name: "o", data_type: "TYPE_BF16", dims: [1], reshape: {}, label_filename: "l.txt" }],
    });
    assert.deepEqual(config.input, [
      {
        name: "i",
        datatype: "BYTES",
        dims: [1, 2, 3],
        reshape: [6],
        format: "FORMAT_NCHW",
        isOptional: true,
        allowRaggedBatch: false,
      },
    ]);
    assert.deepEqual(config.output, [
      { name: "o", datatype: "BF16", dims: [1], reshape: [], labelFilename: "l.txt" },
    ]);
  });
});
