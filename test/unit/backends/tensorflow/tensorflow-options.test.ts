import assert from "node:assert/strict";
import { describe, it } from "mocha";
import type { BackendModelSettings } from "../../../../backends/backend.ts";
import type { NativeEngine } from "../../../../backends/tensorflow/native/native-engine.ts";
import {
  type FindNativeEngine,
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

const repaired: NativeEngine = {
  package: { name: "@tensorflow/tfjs-node-gpu", directory: "/p", addonFile: "/p/addon.node" },
  tensorFlowVersion: "2.21.0",
  usesGpu: true,
  isRepaired: true,
};

function resolve(
  parameters: Record<string, string>,
  members: object = {},
  server: [string, string][] = [],
  findNative: FindNativeEngine = () => ({ reason: "it is not installed" }),
): BackendModelSettings & { readonly options: TensorFlowOptions } {
  const config = {
    ...plain,
    parameters: new Map(Object.entries(parameters)),
    ...members,
  } as unknown as ModelConfig;
  const settings = resolveTensorFlowSettings(config, new Map(server), findNative);
  return { ...settings, options: settings.options as TensorFlowOptions };
}

describe("resolveTensorFlowSettings", () => {
  it("takes Triton's defaults for signature and tag, and WASM for the engine", () => {
    const { engine, choice } = resolve({}).options;
    assert.deepEqual(
      { engine, choice },
      { engine: "wasm", choice: { signatureName: "serving_default", tag: "serve" } },
    );
    assert.equal(resolve({ engine: "cpu" }).options.engine, "cpu");
    assert.equal(resolve({ engine: "auto" }).options.engine, "wasm");
  });

  it("says which embedded engine runs", () => {
    assert.deepEqual(resolve({}).engine, { name: "wasm", description: "TensorFlow.js in WebAssembly" });
    assert.equal(resolve({ engine: "cpu" }).engine?.name, "cpu");
  });

  it("takes the native engine when it is there and the model or the server leaves the choice", () => {
    const { options, engine } = resolve({}, {}, [], () => repaired);
    assert.equal(options.native, repaired);
    assert.deepEqual(engine, { name: "native", description: "TensorFlow 2.21.0 on the GPU" });
    assert.equal(resolve({ engine: "native" }, {}, [], () => repaired).options.native, repaired);
  });

  it("looks for the native engine in the directory that the server's settings name, and only when it may be used", () => {
    const asked: (string | undefined)[] = [];
    const find: FindNativeEngine = (directory) => {
      asked.push(directory);
      return repaired;
    };
    resolve({}, {}, [["native-directory", "/opt/tensorflow"]], find);
    resolve({ engine: "wasm" }, {}, [], find);
    resolve({}, {}, [["engine", "cpu"]], find);
    assert.deepEqual(asked, ["/opt/tensorflow"]);
  });

  it("lets a model choose before the server does", () => {
    const server: [string, string][] = [["engine", "wasm"]];
    assert.equal(resolve({}, {}, server, () => repaired).engine?.name, "wasm");
    assert.equal(resolve({ engine: "native" }, {}, server, () => repaired).engine?.name, "native");
  });

  it("runs TensorFlow.js models with an addon as published in the embedded engine", () => {
    const js = { platform: "tensorflow_js" };
    const published: NativeEngine = { ...repaired, isRepaired: false };
    assert.equal(resolve({}, js, [], () => published).engine?.name, "wasm");
    assert.equal(resolve({}, js, [], () => repaired).engine?.name, "native");
    assert.throws(() => resolve({ engine: "native" }, js, [], () => published), /in one thread only/);
  });

  const refused: readonly (readonly [what: string, resolve: () => unknown, message: RegExp])[] = [
    [
      "the native engine where there is none",
      () => resolve({ engine: "native" }),
      /there is no native TensorFlow: it is not installed/,
    ],
    [
      "an unknown engine of the server",
      () => resolve({}, {}, [["engine", "gpu"]]),
      /--backend-config=tensorflow,engine is "gpu"/,
    ],
    ["an unknown engine", () => resolve({ engine: "gpu" }), /expected "auto", "native", "wasm" or "cpu"/],
    [
      "thread counts",
      () => resolve({ TF_NUM_INTRA_THREADS: "2" }),
      /TF_NUM_INTRA_THREADS"\] is not supported yet/,
    ],
    ["an unknown parameter", () => resolve({ TF_SIGNATURE: "a" }), /did you mean "TF_SIGNATURE_DEF"/],
    ["XLA", () => resolve({}, { optimization: { graphLevel: 1 } }), /has XLA/],
    ["GPUs", () => resolve({}, { instanceGroup: [{ kind: "KIND_GPU" }] }), /KIND_GPU/],
    [
      "a signature for a frozen graph",
      () => resolve({ TF_SIGNATURE_DEF: "a" }, { platform: "tensorflow_graphdef" }),
      /tensorflow_savedmodel only/,
    ],
  ];
  for (const [what, call, message] of refused) {
    it(`refuses ${what} by name`, () => assert.throws(call, message));
  }
});
