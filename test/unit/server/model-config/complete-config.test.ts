import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { StatusError } from "../../../../server/core/status.ts";
import {
  type CompletedModelConfig,
  completeModelConfig,
  draftModelConfig,
  type ModelConfigDraft,
} from "../../../../server/model-config/complete-config.ts";
import type { BackendFacts } from "../../../../server/model-config/backend-autofill.ts";
import type { Signature, SignatureTensor } from "../../../../server/model-config/model-signature.ts";
import { parseModelConfig } from "../../../../server/model-config/read-config.ts";
import { makeDynamicBatching } from "../../../helpers/model-config.ts";

const onnxruntime: BackendFacts = {
  name: "onnxruntime",
  platforms: ["onnxruntime_onnx"],
  defaultModelFilename: "model.onnx",
  defaultCpuInstanceCount: 2,
  executionStyle: "batch",
};

function draft(config: object | null, isAutoCompleteEnabled = true): ModelConfigDraft {
  return draftModelConfig({
    document: config === null ? null : parseModelConfig(JSON.stringify(config), "r/m/config.json"),
    modelName: "m",
    versionDirectoryEntries: ["model.onnx"],
    isAutoCompleteEnabled,
    backends: [onnxruntime],
  });
}

function fp32(name: string, shape: readonly number[] | null): SignatureTensor {
  return { name, datatype: "FP32", modelType: "float32", shape };
}

const batching: Signature = { inputs: [fp32("x", [-1, 16])], outputs: [fp32("y", [-1, 2, -1])] };
const fixed: Signature = { inputs: [fp32("x", [1, 16])], outputs: [fp32("y", [-1, 2])] };

function complete(
  config: object | null,
  signature: Signature,
  defaultMaxBatchSize = 4,
): CompletedModelConfig {
  return completeModelConfig(draft(config), { signature, completion: null }, defaultMaxBatchSize);
}

function errorOf(action: () => unknown): string {
  try {
    action();
  } catch (error) {
    assert.ok(error instanceof StatusError, String(error));
    return `${error.code} ${error.message}`;
  }
  assert.fail("nothing was refused");
}

const x = { name: "x", data_type: "TYPE_FP32", dims: [16] };
const y = { name: "y", data_type: "TYPE_FP32", dims: [2, -1] };

describe("completeModelConfig for models without a signature", () => {
  const requests: BackendFacts = { ...onnxruntime, name: "r", platforms: [], executionStyle: "requests" };
  const config = {
    backend: "r",
    input: [{ name: "x", data_type: "TYPE_FP32", dims: [1] }],
    output: [{ name: "y", data_type: "TYPE_FP32", dims: [1] }],
  };
  const draftOf = (content: object, isAutoCompleteEnabled = true) =>
    draftModelConfig({
      document: parseModelConfig(JSON.stringify(content), "f"),
      modelName: "m",
      versionDirectoryEntries: [],
      isAutoCompleteEnabled,
      backends: [requests, onnxruntime],
    });
  const decoupled = { model_transaction_policy: { decoupled: true } };

  it("takes the config as it is, decoupled or not", () => {
    const completed = completeModelConfig(
      draftOf({ ...config, ...decoupled }),
      { signature: null, completion: null },
      4,
    );
    assert.equal(completed.config.isDecoupled, true);
    assert.equal(completed.config.maxBatchSize, 0);
  });

  it("takes from the model what the file leaves out, unless auto-complete is disabled", () => {
    const completion = { ...config, ...decoupled, max_batch_size: 3, backend: undefined };
    const described = { signature: null, completion: JSON.parse(JSON.stringify(completion)) as object };
    const completed = completeModelConfig(draftOf({ backend: "r" }), described, 4).config;
    assert.deepEqual(
      [completed.maxBatchSize, completed.isDecoupled, completed.input[0]?.name],
      [3, true, "x"],
    );
    assert.match(
      errorOf(() => completeModelConfig(draftOf({ name: "m", backend: "r" }, false), described, 4)),
      /must specify 'input' for m: neither its config nor the model itself does \(auto-complete is disabled\)/,
    );
  });

  it("refuses decoupled models of backends that answer batches", () => {
    assert.match(
      errorOf(() => draftOf({ ...config, ...decoupled, backend: "onnxruntime" })),
      /^UNSUPPORTED .*decoupled" is true, but models of the onnxruntime backend give one response to each request/,
    );
  });
});

describe("completeModelConfig auto-complete", () => {
  it("reads everything from a model that batches", () => {
    const { config, notices } = complete(null, batching);
    assert.deepEqual(config, {
      name: "m",
      platform: "onnxruntime_onnx",
      backend: "onnxruntime",
      versionPolicy: { kind: "latest", numVersions: 1 },
      maxBatchSize: 4,
      isResponseCacheEnabled: false,
      modelWarmup: [],
      input: [
        {
          name: "x",
          datatype: "FP32",
          dims: [16],
          reshape: null,
          format: "FORMAT_NONE",
          isOptional: false,
          allowRaggedBatch: false,
        },
      ],
      output: [{ name: "y", datatype: "FP32", dims: [2, -1], reshape: null, labelFilename: "" }],
      batchInput: [],
      batchOutput: [],
      instanceGroup: [
        { name: "m", kind: "KIND_CPU", count: 2, gpus: [], isPassive: false, rateLimiter: null },
      ],
      defaultModelFilename: "model.onnx",
      metricTags: new Map(),
      histogramBuckets: new Map(),
      parameters: new Map(),
      repositoryAgents: [],
      schedulerName: "",
      dynamicBatching: makeDynamicBatching({ preferredBatchSize: [4] }),
      sequenceBatching: null,
      ensembleScheduling: null,
      optimization: { graphLevel: 0, eagerBatching: false },
      isDecoupled: false,
    });
    assert.equal(notices.length, 2);
    assert.match(notices[0]!, /^Model 'm': max_batch_size set to 4/);
  });

  it("does not batch when the default batch size is 0", () => {
    const { config, notices } = complete(null, batching, 0);
    assert.equal(config.maxBatchSize, 0);
    assert.deepEqual(config.input[0]?.dims, [-1, 16]);
    assert.equal(config.dynamicBatching, null);
    assert.deepEqual(notices, []);
  });

  it("adds no dynamic batching at batch size 1", () => {
    const { config } = complete({ max_batch_size: 1 }, batching);
    assert.equal(config.maxBatchSize, 1);
    assert.equal(config.dynamicBatching, null);
  });

  it("keeps the given batch size and scheduler", () => {
    const dynamicBatching = { max_queue_delay_microseconds: 50, preferred_batch_size: [8, 2] };
    const { config } = complete({ max_batch_size: 8, dynamic_batching: dynamicBatching }, batching);
    assert.equal(config.maxBatchSize, 8);
    assert.deepEqual(
      config.dynamicBatching,
      makeDynamicBatching({ preferredBatchSize: [8, 2], maxQueueDelayUs: 50 }),
    );
  });

  it("takes the whole shape from a model that does not batch", () => {
    const { config } = complete({}, fixed);
    assert.equal(config.maxBatchSize, 0);
    assert.deepEqual(config.input[0]?.dims, [1, 16]);
    assert.equal(config.dynamicBatching, null);
  });

  it("refuses a batch size for a model that does not batch", () => {
    assert.equal(
      errorOf(() => complete({ max_batch_size: 2 }, fixed)),
      "INVALID_ARG autofill failed for model 'm': model does not support batching while non-zero max_batch_size is specified",
    );
  });

  it("fills the missing list and leaves the given one", () => {
    const { config } = complete({ input: [{ ...x, format: 0 }] }, batching);
    assert.equal(config.maxBatchSize, 4);
    assert.deepEqual(config.output[0]?.dims, [2, -1]);
  });

  it("leaves a config with inputs and outputs alone", () => {
    const given = { max_batch_size: 8, input: [x], output: [y] };
    const { config, notices } = complete(given, batching);
    assert.equal(config.maxBatchSize, 8);
    assert.equal(config.dynamicBatching, null);
    assert.deepEqual(notices, []);
  });

  it("gives a scalar per row dims [1] and an empty reshape", () => {
    const signature = { inputs: [fp32("x", [-1])], outputs: [fp32("y", [-1, 3])] };
    const { config } = complete(null, signature);
    assert.deepEqual(config.input[0]!.reshape, []);
    assert.equal(config.output[0]!.reshape, null);
    assert.deepEqual(config.output[0]?.reshape, null);
  });

  it("refuses a scalar of a model that does not batch", () => {
    assert.match(
      errorOf(() => complete(null, { inputs: [fp32("x", [])], outputs: [fp32("y", [-1])] })),
      /^UNSUPPORTED autofill failed for model 'm': input 'x' is a scalar without dimensions/,
    );
  });

  it("asks for dims where the model does not fix the rank", () => {
    assert.match(
      errorOf(() => complete(null, { inputs: [fp32("x", null)], outputs: [fp32("y", [1])] })),
      /^INVALID_ARG .*input 'x' has no fixed number of dimensions.*must specify "input" with its 'dims'/,
    );
  });

  it("names a type that cannot be carried", () => {
    const bf16 = { name: "x", datatype: null, modelType: "bfloat16", shape: [1] };
    assert.equal(
      errorOf(() => complete(null, { inputs: [bf16], outputs: [fp32("y", [1])] })),
      "UNSUPPORTED autofill failed for model 'm': input 'x' has the model's type 'bfloat16', which is not supported",
    );
  });

  it("does nothing when it is disabled", () => {
    const message = errorOf(() =>
      completeModelConfig(
        draft({ name: "m", backend: "onnxruntime" }, false),
        { signature: batching, completion: null },
        4,
      ),
    );
    assert.equal(
      message,
      "INVALID_ARG model 'm': configuration expects 0 inputs, model provides 1; missing in the configuration: 'x'\nmodel 'm': must specify 'output' for m",
    );
  });
});

describe("draftModelConfig", () => {
  it("checks the rules between fields before any model is loaded", () => {
    assert.equal(
      errorOf(() => draft({ max_batch_size: 2, dynamic_batching: { preferred_batch_size: [4] } })),
      'INVALID_ARG r/m/config.json: "dynamic_batching.preferred_batch_size[0]" must be <= max_batch_size 2, got 4',
    );
  });

  it("has what loading an instance needs", () => {
    const { config } = draft({
      parameters: { a: { string_value: "1" }, b: {} },
      optimization: { graph: { level: -1 } },
    });
    assert.deepEqual(
      config.parameters,
      new Map([
        ["a", "1"],
        ["b", ""],
      ]),
    );
    assert.equal(config.optimization.graphLevel, -1);
    assert.equal(config.defaultModelFilename, "model.onnx");
    assert.deepEqual(config.input, []);
  });
});

describe("completeModelConfig checks against the model", () => {
  /** The differences of a full config and a model that batches. */
  function difference(config: object, signature: Signature = batching): string {
    return errorOf(() => complete({ max_batch_size: 4, input: [x], output: [y], ...config }, signature));
  }

  it("counts inputs", () => {
    const signature = { inputs: [...batching.inputs, fp32("z", [-1, 1])], outputs: batching.outputs };
    assert.equal(
      difference({}, signature),
      "INVALID_ARG model 'm': configuration expects 1 inputs, model provides 2; missing in the configuration: 'z'",
    );
  });

  it("names an unknown input and an unknown output", () => {
    assert.equal(
      difference({ input: [{ ...x, name: "a" }], output: [{ ...y, name: "b" }] }),
      "INVALID_ARG model 'm': unexpected inference input 'a', allowed inputs are: x\nmodel 'm': unexpected inference output 'b', allowed outputs are: y",
    );
  });

  it("accepts outputs that the config leaves out", () => {
    const signature = { inputs: batching.inputs, outputs: [...batching.outputs, fp32("hidden", [-1])] };
    assert.equal(complete({ max_batch_size: 4, input: [x], output: [y] }, signature).config.output.length, 1);
  });

  it("compares data types", () => {
    assert.equal(
      difference({ input: [{ ...x, data_type: "TYPE_STRING" }] }),
      "INVALID_ARG model 'm': input 'x': configuration expects datatype TYPE_STRING, model provides TYPE_FP32",
    );
  });

  it("compares the number of dimensions", () => {
    assert.equal(
      difference({ input: [{ ...x, dims: [4, 4] }] }),
      "INVALID_ARG model 'm': input 'x': the model expects 2 dimensions (shape [-1,16]) but the model configuration specifies 3 dimensions (shape [-1,4,4], with the batch dimension that max_batch_size > 0 puts first)",
    );
  });

  it("compares fixed dimensions and lets a variable one of the model be fixed", () => {
    assert.equal(
      complete({ max_batch_size: 4, input: [x], output: [{ ...y, dims: [2, 7] }] }, batching).config.name,
      "m",
    );
    assert.match(difference({ input: [{ ...x, dims: [15] }] }), /shape \[-1,16\]\) but .* \(shape \[-1,15\]/);
  });

  it("refuses a variable dimension where the model's is fixed", () => {
    assert.match(
      difference({ input: [{ ...x, dims: [-1] }] }),
      /the model expects 2 dimensions \(shape \[-1,16\]\)/,
    );
  });

  it("refuses batching where the model's first dimension is fixed", () => {
    assert.match(
      difference({ output: [{ ...y, dims: [2] }] }, fixed),
      /input 'x': the model expects 2 dimensions \(shape \[1,16\]\)/,
    );
  });

  it("compares the model's shape with reshape, not dims", () => {
    const { config } = complete(
      { max_batch_size: 4, input: [{ ...x, dims: [4, 4], reshape: { shape: [16] } }], output: [y] },
      batching,
    );
    assert.deepEqual(config.input[0]?.reshape, [16]);
  });

  it("accepts any shape where the model does not fix the rank", () => {
    const signature = { inputs: [fp32("x", null)], outputs: batching.outputs };
    assert.equal(complete({ max_batch_size: 4, input: [x], output: [y] }, signature).config.maxBatchSize, 4);
  });

  it("names a type that cannot be carried", () => {
    const signature = {
      inputs: batching.inputs,
      outputs: [{ name: "y", datatype: null, modelType: "complex64", shape: [-1, 2, -1] }],
    };
    assert.equal(
      difference({}, signature),
      "UNSUPPORTED model 'm': output 'y' has the model's type 'complex64', which is not supported",
    );
  });
});
