import { createRequire } from "node:module";
import type { Backend } from "../backend.ts";
import { gpuDeviceIds, gpuProviders } from "./execution-providers.ts";
import { resolveOnnxRuntimeSettings } from "./onnxruntime-options.ts";
import { checkStringTensor } from "./string-tensor.ts";

const require = createRequire(import.meta.url);

/** Runs ONNX models with ONNX Runtime. @see backends/onnxruntime/README.md */
export const onnxRuntimeBackend: Backend = {
  name: "onnxruntime",
  platforms: ["onnxruntime_onnx"],
  defaultModelFilename: "model.onnx",
  // Two, as Triton does for this backend: one gathers its inputs while the other computes.
  defaultCpuInstanceCount: 2,
  executionStyle: "batch",
  instanceModuleUrl: new URL("./onnxruntime-model-instance.js", import.meta.url).href,
  gpuDeviceIds: () => gpuDeviceIds(),
  checkBytesInput: checkStringTensor,
  describe: () => {
    const { version } = require("onnxruntime-node/package.json") as { version: string };
    const gpu = gpuProviders(0).find((provider) => provider.missing === null);
    return `ONNX Runtime ${version}; CPU${gpu === undefined ? "" : `, GPU through ${gpu.name} where present`}`;
  },
  resolveSettings: resolveOnnxRuntimeSettings,
};
