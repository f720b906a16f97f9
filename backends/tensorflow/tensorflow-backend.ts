import { createRequire } from "node:module";
import type { Backend } from "../backend.ts";
import { nativeEngine } from "./native/native-engine.ts";
import { defaultNativeDirectory, findNativePackage } from "./native/native-package.ts";
import { resolveTensorFlowSettings, tensorFlowPlatforms } from "./tensorflow-options.ts";

const require = createRequire(import.meta.url);

/** Runs TensorFlow's and TensorFlow.js' models, with TensorFlow where it is installed and without it elsewhere. @see backends/tensorflow/README.md */
export const tensorFlowBackend: Backend = {
  name: "tensorflow",
  platforms: tensorFlowPlatforms,
  defaultModelFilename: "model.savedmodel",
  // Two, as Triton does for this backend.
  defaultCpuInstanceCount: 2,
  executionStyle: "batch",
  instanceModuleUrl: new URL("./tensorflow-instance-module.js", import.meta.url).href,
  gpuDeviceIds: () => [],
  checkBytesInput: null,
  describe: () => {
    const { version } = require("@tensorflow/tfjs-core/package.json") as { version: string };
    const native = findNativePackage(defaultNativeDirectory);
    return `TensorFlow.js ${version}; WASM and CPU engines (embedded)${native === null ? "" : `; native: ${native.name}`}`;
  },
  resolveSettings: (config, server) => resolveTensorFlowSettings(config, server, nativeEngine),
};
