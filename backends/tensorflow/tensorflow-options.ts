import { nearest } from "../../server/core/edit-distance.ts";
import { StatusError } from "../../server/core/status.ts";
import type { ModelConfig } from "../../server/model-config/model-config.ts";
import type { BackendModelSettings, BackendServerSettings } from "../backend.ts";
import type { EngineName } from "./engine/tensorflow-engine.ts";
import type { ConfiguredTensors } from "./saved-model/read-graph-def.ts";
import type { SavedModelChoice } from "./saved-model/read-saved-model.ts";

/** What the instances of one model need to know. Survives structured cloning. */
export interface TensorFlowOptions {
  readonly engine: EngineName;
  readonly platform: TensorFlowPlatform;
  readonly choice: SavedModelChoice;
  /** For frozen graphs, which do not say what their inputs and outputs are. */
  readonly configured: ConfiguredTensors;
}

/** Platforms of this backend; the first is the default. */
export const tensorFlowPlatforms = ["tensorflow_savedmodel", "tensorflow_graphdef", "tensorflow_js"] as const;
export type TensorFlowPlatform = (typeof tensorFlowPlatforms)[number];

/** `parameters` of a model's config that this backend reads. */
const knownParameters = ["engine", "TF_SIGNATURE_DEF", "TF_GRAPH_TAG"] as const;

/** Triton's further parameters, and why each is refused: they steer what the embedded engine does not have. */
const notSupportedParameters: readonly string[] = [
  "TF_NUM_INTRA_THREADS",
  "TF_NUM_INTER_THREADS",
  "TF_USE_PER_SESSION_THREADS",
  "MAX_SESSION_SHARE_COUNT",
  "TF_INIT_OPS_FILE",
];

/** Settings of the command line that steer native TensorFlow. */
const notSupportedSettings: readonly string[] = ["allow-soft-placement", "gpu-memory-fraction", "version"];

/**
 * Reads the settings of one model from its config.
 *
 * @throws StatusError that names the field, what was found and what is allowed.
 */
export function resolveTensorFlowSettings(
  config: ModelConfig,
  server: BackendServerSettings,
): BackendModelSettings {
  checkParameters(config);
  for (const name of notSupportedSettings) {
    if (server.has(name))
      throw unsupported(
        config,
        `--backend-config=tensorflow,${name}`,
        "the embedded engine has no such setting",
      );
  }
  if (config.optimization.graphLevel !== 0)
    throw unsupported(config, "optimization.graph.level", "the embedded engine has no XLA");
  if (config.instanceGroup.some((group) => group.kind === "KIND_GPU"))
    throw unsupported(config, "instance_group.kind KIND_GPU", "the embedded engine runs on the CPU");
  if (config.maxBatchSize > 0 && config.input.some((input) => input.isOptional))
    throw unsupported(config, "input.optional", "a graph needs all its inputs");
  const isSavedModel = config.platform === "tensorflow_savedmodel";
  for (const name of ["TF_SIGNATURE_DEF", "TF_GRAPH_TAG"]) {
    if (config.parameters.has(name) && !isSavedModel)
      throw invalid(
        config,
        `parameters["${name}"]`,
        `is for tensorflow_savedmodel only, not ${config.platform}`,
      );
  }
  const options: TensorFlowOptions = {
    engine: engineOf(config),
    platform: config.platform as TensorFlowPlatform,
    choice: {
      signatureName: config.parameters.get("TF_SIGNATURE_DEF") ?? "serving_default",
      tag: config.parameters.get("TF_GRAPH_TAG") ?? "serve",
    },
    configured: {
      inputs: config.input.map(({ name, datatype }) => ({ name, datatype })),
      outputs: config.output.map(({ name, datatype }) => ({ name, datatype })),
    },
  };
  // WebAssembly has one thread in Node: asking the core budget for more would waste them.
  return { intraOpThreadCount: 1, options };
}

function engineOf(config: ModelConfig): EngineName {
  const engine = config.parameters.get("engine") ?? "auto";
  switch (engine) {
    case "auto":
    case "wasm":
      return "wasm";
    case "cpu":
      return "cpu";
    case "native":
      throw unsupported(
        config,
        `parameters["engine"] "native"`,
        `this server has no native TensorFlow yet, use "auto", "wasm" or "cpu"`,
      );
    default:
      throw invalid(
        config,
        `parameters["engine"]`,
        `is "${engine}", expected "auto", "native", "wasm" or "cpu"`,
      );
  }
}

function checkParameters(config: ModelConfig): void {
  for (const name of config.parameters.keys()) {
    if ((knownParameters as readonly string[]).includes(name)) continue;
    if (notSupportedParameters.includes(name))
      throw unsupported(config, `parameters["${name}"]`, "it steers native TensorFlow");
    const suggestion = nearest(name, knownParameters);
    throw invalid(
      config,
      `parameters["${name}"]`,
      `is not known to the tensorflow backend${suggestion === null ? "" : `, did you mean "${suggestion}"?`} Known: ${knownParameters.join(", ")}`,
    );
  }
}

function unsupported(config: ModelConfig, path: string, reason: string): StatusError {
  return new StatusError("UNSUPPORTED", `model '${config.name}': ${path} is not supported yet: ${reason}`);
}

function invalid(config: ModelConfig, path: string, problem: string): StatusError {
  return new StatusError("INVALID_ARG", `model '${config.name}': ${path} ${problem}`);
}
