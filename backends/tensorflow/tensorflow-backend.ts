import { createRequire } from "node:module";
import type { Backend } from "../backend.ts";
import { resolveTensorFlowSettings, tensorFlowPlatforms } from "./tensorflow-options.ts";

const require = createRequire(import.meta.url);

/** Runs TensorFlow's and TensorFlow.js' models without TensorFlow. @see backends/tensorflow/README.md */
export const tensorFlowBackend: Backend = {
  name: "tensorflow",
  platforms: tensorFlowPlatforms,
  defaultModelFilename: "model.savedmodel",
  // Two, as Triton does for this backend.
  defaultCpuInstanceCount: 2,
  executionStyle: "batch",
  instanceModuleUrl: new URL("./tensorflow-model-instance.js", import.meta.url).href,
  gpuDeviceIds: () => [],
  checkBytesInput: null,
  describe: () => {
    const { version } = require("@tensorflow/tfjs-core/package.json") as { version: string };
    return `TensorFlow.js ${version}; WASM and CPU engines (embedded)`;
  },
  resolveSettings: resolveTensorFlowSettings,
};
