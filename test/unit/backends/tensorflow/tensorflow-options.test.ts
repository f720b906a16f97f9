import assert from "node:assert/strict";
import { describe, it } from "mocha";
import {
  resolveTensorFlowSettings,
  type TensorFlowOptions,
} from "../../../../backends/tensorflow/tensorflow-options.ts";
import type { ModelConfig } from "../../../../server/model-config/model-config.ts";

const plain = {
  name: "m",
  platform: "tensorflow_savedmodel",
  maxBatchSize: 4,
  input: [],
  output: [],
  instanceGroup: [],
  optimization: { graphLevel: 0 },
};

function resolve(
  parameters: Record<string, string>,
  members: object = {},
  server: [string, string][] = [],
): TensorFlowOptions {
  const config = {
    ...plain,
    parameters: new Map(Object.entries(parameters)),
    ...members,
  } as unknown as ModelConfig;
  return resolveTensorFlowSettings(config, new Map(server)).options as TensorFlowOptions;
}

describe("resolveTensorFlowSettings", () => {
  it("takes Triton's defaults for signature and tag, and WASM for the engine", () => {
    const { engine, choice } = resolve({});
    assert.deepEqual(
      { engine, choice },
      { engine: "wasm", choice: { signatureName: "serving_default", tag: "serve" } },
    );
    assert.equal(resolve({ engine: "cpu" }).engine, "cpu");
    assert.equal(resolve({ engine: "auto" }).engine, "wasm");
  });

  const refused: readonly (readonly [what: string, resolve: () => unknown, message: RegExp])[] = [
    ["the native engine", () => resolve({ engine: "native" }), /"native" is not supported yet/],
    ["an unknown engine", () => resolve({ engine: "gpu" }), /expected "auto", "native", "wasm" or "cpu"/],
    [
      "thread counts",
      () => resolve({ TF_NUM_INTRA_THREADS: "2" }),
      /TF_NUM_INTRA_THREADS"\] is not supported yet/,
    ],
    ["an unknown parameter", () => resolve({ TF_SIGNATURE: "a" }), /did you mean "TF_SIGNATURE_DEF"/],
    ["XLA", () => resolve({}, { optimization: { graphLevel: 1 } }), /no XLA/],
    ["GPUs", () => resolve({}, { instanceGroup: [{ kind: "KIND_GPU" }] }), /KIND_GPU/],
    [
      "a signature for a frozen graph",
      () => resolve({ TF_SIGNATURE_DEF: "a" }, { platform: "tensorflow_graphdef" }),
      /tensorflow_savedmodel only/,
    ],
    [
      "settings of native TensorFlow",
      () => resolve({}, {}, [["gpu-memory-fraction", "0.5"]]),
      /gpu-memory-fraction is not supported yet/,
    ],
  ];
  for (const [what, call, message] of refused) {
    it(`refuses ${what} by name`, () => assert.throws(call, message));
  }
});
