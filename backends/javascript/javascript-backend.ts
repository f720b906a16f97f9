import { StatusError } from "../../server/core/status.ts";
import type { ModelConfig } from "../../server/model-config/model-config.ts";
import { renderModelConfig } from "../../server/model-config/render-config.ts";
import type { Backend, BackendModelSettings, BackendServerSettings } from "../backend.ts";

/** What the worker needs beside its {@link ModelInstanceInit}. Survives structured cloning. */
export interface JavaScriptOptions {
  /** As far as it is known before the model is loaded, in the form of `config.json`. */
  readonly config: object;
  readonly isAutoCompleteEnabled: boolean;
}

/** Runs models that are JavaScript modules. @see backends/javascript/README.md */
export const javaScriptBackend: Backend = {
  name: "javascript",
  platforms: [],
  defaultModelFilename: "model.mjs",
  defaultCpuInstanceCount: 1,
  executionStyle: "requests",
  instanceModuleUrl: new URL("./javascript-model-instance.js", import.meta.url).href,
  gpuDeviceIds: () => [],
  checkBytesInput: null,
  describe: () => `Node.js ${process.version}; CPU`,
  resolveSettings,
};

/** All `parameters` are the model's own. */
function resolveSettings(config: ModelConfig, server: BackendServerSettings): BackendModelSettings {
  if (config.instanceGroup.some(({ kind }) => kind === "KIND_GPU")) {
    throw new StatusError(
      "UNSUPPORTED",
      `model '${config.name}': instance_group of kind KIND_GPU, but models of the javascript backend run on the CPU. Use KIND_CPU`,
    );
  }
  if (config.optimization.graphLevel !== 0) {
    throw new StatusError(
      "INVALID_ARG",
      `model '${config.name}': optimization.graph.level has no meaning for the javascript backend, leave it out`,
    );
  }
  // Its models get requests one by one: there is nothing that would tell them apart, or join what they give.
  const composed = config.batchInput.length > 0 ? "batch_input" : "batch_output";
  if (config.batchInput.length > 0 || config.batchOutput.length > 0) {
    throw new StatusError(
      "INVALID_ARG",
      `model '${config.name}': ${composed} has no meaning for the javascript backend, whose models get each request by itself. Leave it out`,
    );
  }
  // They see the sequence's id, its start and its end on each request, and keep what they want to remember.
  const { controlInput = [], state = [] } = config.sequenceBatching ?? {};
  if (controlInput.length > 0 || state.length > 0) {
    const told = controlInput.length > 0 ? "control_input" : "state";
    throw new StatusError(
      "INVALID_ARG",
      `model '${config.name}': sequence_batching.${told} has no meaning for the javascript backend, whose models find correlationId, isSequenceStart and isSequenceEnd on each request. Leave it out`,
    );
  }
  const options: JavaScriptOptions = {
    config: renderModelConfig(config),
    isAutoCompleteEnabled: server.get("auto-complete-config") === "true",
  };
  return { intraOpThreadCount: null, options };
}
