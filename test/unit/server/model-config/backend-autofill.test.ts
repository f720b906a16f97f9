import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { StatusError } from "../../../../server/core/status.ts";
import { autofillBackend, type BackendFacts } from "../../../../server/model-config/backend-autofill.ts";
import { parseModelConfig } from "../../../../server/model-config/read-config.ts";

const onnxruntime: BackendFacts = {
  name: "onnxruntime",
  platforms: ["onnxruntime_onnx"],
  defaultModelFilename: "model.onnx",
  defaultCpuInstanceCount: 2,
  executionStyle: "batch",
};
const custom: BackendFacts = {
  name: "custom",
  platforms: [],
  defaultModelFilename: "model.js",
  defaultCpuInstanceCount: 1,
  executionStyle: "batch",
};

interface Situation {
  readonly config?: object | null;
  readonly modelName?: string;
  readonly entries?: readonly string[];
  readonly isAutoCompleteEnabled?: boolean;
}

function resolve(situation: Situation): string {
  const { config = null, modelName = "m", entries = [], isAutoCompleteEnabled = true } = situation;
  const resolved = autofillBackend({
    document: config === null ? null : parseModelConfig(JSON.stringify(config), "r/m/config.json"),
    modelName,
    versionDirectoryEntries: entries,
    isAutoCompleteEnabled,
    backends: [onnxruntime, custom],
  });
  return `${resolved.backend.name} ${resolved.platform} ${resolved.defaultModelFilename}`;
}

function errorOf(situation: Situation): string {
  try {
    return resolve(situation);
  } catch (error) {
    assert.ok(error instanceof StatusError);
    return `${error.code} ${error.message}`;
  }
}

const onnx = "onnxruntime onnxruntime_onnx model.onnx";

describe("autofillBackend", () => {
  it("finds the backend by the model file when there is no config", () => {
    assert.equal(resolve({ entries: ["labels.txt", "model.onnx"] }), onnx);
  });
  it("finds the backend by the model file when the config says nothing of it", () => {
    assert.equal(resolve({ config: { max_batch_size: 0, platform: "" }, entries: ["model.onnx"] }), onnx);
  });
  it("takes the other two from the backend", () =>
    assert.equal(resolve({ config: { backend: "onnxruntime" } }), onnx));
  it("takes the other two from the platform", () => {
    assert.equal(resolve({ config: { platform: "onnxruntime_onnx" } }), onnx);
  });
  it("takes the other two from the file name", () => {
    assert.equal(resolve({ config: { default_model_filename: "model.onnx" } }), onnx);
  });
  it("keeps a file name of the author's own", () => {
    const config = { backend: "onnxruntime", default_model_filename: "net.onnx" };
    assert.equal(resolve({ config }), "onnxruntime onnxruntime_onnx net.onnx");
  });
  it("does not look at the files once the config names a file", () => {
    assert.match(
      errorOf({ config: { default_model_filename: "net.onnx" }, entries: ["model.onnx"] }),
      /^INVALID_ARG .*Could not determine backend/,
    );
  });
  it("takes a backend from the end of the model's name", () => {
    assert.equal(resolve({ modelName: "m.custom" }), "custom  model.custom");
  });
  it("leaves the platform of a backend without platforms empty", () => {
    assert.equal(resolve({ config: { backend: "custom" } }), "custom  model.js");
  });
  it("looks at the files in the order of the table", () => {
    assert.match(
      errorOf({ entries: ["model.onnx", "model.plan"] }),
      /^UNSUPPORTED .*backend 'tensorrt' is not supported yet/,
    );
  });

  it("says how to name a backend when none can be found", () => {
    assert.equal(
      errorOf({ entries: ["weights.bin"] }),
      `INVALID_ARG model 'm': Could not determine backend for model 'm': neither "backend" nor "platform" is set and there is no file like model.onnx in its first version directory (one named by a number, such as 1). Expected model name of the form 'model.<backend_name>'`,
    );
  });
  it("names an unknown backend and the nearest one", () => {
    assert.equal(
      errorOf({ config: { backend: "onnxruntme" } }),
      "INVALID_ARG r/m/config.json: unable to find backend library for backend 'onnxruntme', did you mean 'onnxruntime'? available are onnxruntime, custom",
    );
  });
  it("names an unknown platform", () => {
    assert.equal(
      errorOf({ config: { platform: "onnxruntime_onx" } }),
      "INVALID_ARG r/m/config.json: unexpected platform type 'onnxruntime_onx' for m, did you mean 'onnxruntime_onnx'? allowed are onnxruntime_onnx",
    );
  });
  it("finds that an ensemble needs no backend", () => {
    const ensemble = { ensemble_scheduling: { step: [] } };
    for (const config of [ensemble, { ...ensemble, platform: "ensemble" }]) {
      assert.equal(resolve({ config }), " ensemble ");
    }
  });
  it("refuses an ensemble with a backend, with another platform, or without steps (row 111)", () => {
    const ensemble_scheduling = { step: [] };
    for (const [config, message] of [
      [{ platform: "ensemble" }, /an ensemble must say its steps in "ensemble_scheduling"/],
      [{ backend: "onnxruntime", ensemble_scheduling }, /no backend runs an ensemble: leave "backend" out/],
      [{ platform: "onnxruntime_onnx", ensemble_scheduling }, /"platform" must be "ensemble"/],
    ] as const) {
      assert.match(errorOf({ config }), message);
    }
  });
  it("names a pair that does not go together", () => {
    assert.equal(
      errorOf({ config: { platform: "tensorflow_graphdef", backend: "onnxruntime" } }),
      "INVALID_ARG r/m/config.json: unexpected 'platform' and 'backend' pair, got 'tensorflow_graphdef' and 'onnxruntime', which takes onnxruntime_onnx",
    );
  });
  for (const [what, config] of Object.entries({
    tensorflow: { platform: "tensorflow_savedmodel" },
    python: { backend: "python" },
  })) {
    it(`says that ${what} is not supported yet`, () => {
      assert.equal(
        errorOf({ config }),
        `UNSUPPORTED r/m/config.json: backend '${what}' is not supported yet, available are onnxruntime, custom`,
      );
    });
  }
  it("compares the name with the directory's", () => {
    assert.equal(
      errorOf({ config: { name: "other", backend: "onnxruntime" } }),
      "INVALID_ARG r/m/config.json: directory name must equal model name, got \"name\" 'other' in directory 'm'",
    );
  });
  for (const path of ["../x.onnx", "/x.onnx", "a/../../x", ".."]) {
    it(`refuses the file name ${path}`, () => {
      assert.match(
        errorOf({ config: { backend: "onnxruntime", default_model_filename: path } }),
        /^INVALID_ARG .*"default_model_filename" must stay inside the version directory/,
      );
    });
  }
});

describe("autofillBackend without auto-complete", () => {
  const isAutoCompleteEnabled = false;
  it("needs a config", () => {
    assert.equal(
      errorOf({ entries: ["model.onnx"], isAutoCompleteEnabled }),
      "INVALID_ARG model 'm': there is no config.json or config.pbtxt, and auto-complete is disabled",
    );
  });
  it("needs a name", () => {
    assert.match(
      errorOf({ config: { backend: "onnxruntime" }, isAutoCompleteEnabled }),
      /must specify 'name'/,
    );
  });
  it("does not look at the files", () => {
    assert.match(
      errorOf({ config: { name: "m" }, entries: ["model.onnx"], isAutoCompleteEnabled }),
      /Could not determine backend for model 'm'.*auto-complete is disabled/,
    );
  });
  it("still takes the backend from the platform", () => {
    assert.equal(
      resolve({ config: { name: "m", platform: "onnxruntime_onnx" }, isAutoCompleteEnabled }),
      onnx,
    );
  });
});

describe("autofillBackend of a backend that knows several files", () => {
  const javascript: BackendFacts = {
    name: "javascript",
    platforms: [],
    defaultModelFilename: "model.mjs",
    defaultCpuInstanceCount: 1,
    executionStyle: "requests",
  };
  const fileOf = (config: object | null, entries: string[], isAutoCompleteEnabled = true) =>
    autofillBackend({
      document: config === null ? null : parseModelConfig(JSON.stringify(config), "f"),
      modelName: "m",
      versionDirectoryEntries: entries,
      isAutoCompleteEnabled,
      backends: [onnxruntime, javascript],
    }).defaultModelFilename;

  it("finds the backend by each of them, and takes the one that is there", () => {
    const config = { name: "m", backend: "javascript" };
    assert.equal(fileOf(null, ["model.js"]), "model.js");
    assert.equal(fileOf(null, ["model.js", "model.mjs"]), "model.mjs");
    assert.equal(fileOf(config, ["model.js"]), "model.js");
    assert.equal(fileOf(config, ["other.js"]), "model.mjs");
    assert.equal(fileOf(config, ["model.js"], false), "model.mjs");
    assert.equal(fileOf({ ...config, default_model_filename: "other.js" }, ["model.js"]), "other.js");
  });
});
