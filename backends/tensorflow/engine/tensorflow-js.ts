import { createRequire } from "node:module";
import type * as Converter from "@tensorflow/tfjs-converter";
import type * as Core from "@tensorflow/tfjs-core";
import type * as Layers from "@tensorflow/tfjs-layers";

/**
 * TensorFlow.js' packages. Each thread with a model loads them, so what that costs counts: `require` takes a fifth to a
 * third of the time of `import`, which looks through megabytes of CommonJS for the names that it exports.
 */
const require = createRequire(import.meta.url);

export const tf = require("@tensorflow/tfjs-core") as typeof Core;

/** The graph executor. */
export function loadConverter(): typeof Converter {
  return require("@tensorflow/tfjs-converter") as typeof Converter;
}

/** The layers of TensorFlow.js' own model format. */
export function loadLayers(): typeof Layers {
  return require("@tensorflow/tfjs-layers") as typeof Layers;
}

/** Adds the engine in WebAssembly, without starting it. */
export function addWasmEngine(): void {
  require("@tensorflow/tfjs-backend-wasm");
}

/** Adds the engine in plain JavaScript. */
export function addCpuEngine(): void {
  require("@tensorflow/tfjs-backend-cpu");
}
