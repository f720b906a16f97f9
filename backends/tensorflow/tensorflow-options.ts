import { nearest } from "../../server/core/edit-distance.ts";
import { StatusError } from "../../server/core/status.ts";
import type { ModelConfig } from "../../server/model-config/model-config.ts";
import type { BackendModelSettings, BackendServerSettings } from "../backend.ts";
import type { EngineName } from "./engine/tensorflow-engine.ts";
import {
  describeNativeEngine,
  isNativeEngine,
  type NativeEngine,
  type NoNativeEngine,
} from "./native/native-engine.ts";
import type { ConfiguredTensors } from "./saved-model/read-graph-def.ts";
import type { SavedModelChoice } from "./saved-model/choose-graph.ts";

/** What the instances of one model need to know. Survives structured cloning. */
export interface TensorFlowOptions {
  /** The embedded engine that runs the model, unless {@link native} does. */
  readonly engine: EngineName;
  /** `null`: the model runs in an embedded engine. */
  readonly native: NativeEngine | null;
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

/** What `parameters.engine` and the setting `engine` may be. */
const engineChoices = ["auto", "native", "wasm", "cpu"] as const;
type EngineChoice = (typeof engineChoices)[number];

/**
 * Triton's further parameters, each refused: they steer how sessions are opened, and neither the embedded engine nor the
 * addon of the native one lets us choose that.
 */
const notSupportedParameters: readonly string[] = [
  "TF_NUM_INTRA_THREADS",
  "TF_NUM_INTER_THREADS",
  "TF_USE_PER_SESSION_THREADS",
  "MAX_SESSION_SHARE_COUNT",
  "TF_INIT_OPS_FILE",
];

/** Finds the native engine of a directory; `undefined` is the place where the set-up installs. */
export type FindNativeEngine = (directory: string | undefined) => NativeEngine | NoNativeEngine;

/**
 * Reads the settings of one model from its config.
 *
 * @throws StatusError that names the field, what was found and what is allowed.
 */
export function resolveTensorFlowSettings(
  config: ModelConfig,
  server: BackendServerSettings,
  findNative: FindNativeEngine,
): BackendModelSettings {
  checkParameters(config);
  if (config.optimization.graphLevel !== 0)
    throw unsupported(config, "optimization.graph.level", "no engine here has XLA");
  if (config.instanceGroup.some((group) => group.kind === "KIND_GPU"))
    throw unsupported(
      config,
      "instance_group.kind KIND_GPU",
      "instances are not bound to a GPU. Native TensorFlow with @tensorflow/tfjs-node-gpu uses the GPU by itself in KIND_CPU instances",
    );
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
  const choice = engineChoiceOf(config, server);
  const native =
    choice === "auto" || choice === "native"
      ? nativeOf(config, choice, findNative(server.get("native-directory")))
      : null;
  const engine = choice === "cpu" ? "cpu" : "wasm";
  const options: TensorFlowOptions = {
    engine,
    native,
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
  return {
    // WebAssembly has one thread in Node, and TensorFlow shares one pool of threads among all its sessions: neither
    // takes a number for each instance.
    intraOpThreadCount: 1,
    engine:
      native === null
        ? { name: engine, description: embeddedDescriptions[engine] }
        : { name: "native", description: describeNativeEngine(native) },
    options,
  };
}

const embeddedDescriptions: Readonly<Record<EngineName, string>> = {
  wasm: "TensorFlow.js in WebAssembly",
  cpu: "TensorFlow.js in plain JavaScript",
};

/** The model's choice before the server's. */
function engineChoiceOf(config: ModelConfig, server: BackendServerSettings): EngineChoice {
  const asked = config.parameters.get("engine");
  const choice = asked ?? server.get("engine") ?? "auto";
  const known = engineChoices.find((name) => name === choice);
  if (known !== undefined) return known;
  const where = asked === undefined ? "--backend-config=tensorflow,engine" : `parameters["engine"]`;
  throw invalid(config, where, `is "${choice}", expected "auto", "native", "wasm" or "cpu"`);
}

/** @returns `null` when the choice is left to the server and an embedded engine is better. */
function nativeOf(
  config: ModelConfig,
  choice: "auto" | "native",
  found: NativeEngine | NoNativeEngine,
): NativeEngine | null {
  if (!isNativeEngine(found)) {
    if (choice === "auto") return null;
    throw unavailable(
      config,
      `parameters["engine"] "native": there is no native TensorFlow: ${found.reason}`,
    );
  }
  // Its operations run one by one, which an addon as published cannot do in several threads.
  if (config.platform === "tensorflow_js" && !found.isRepaired) {
    if (choice === "auto") return null;
    throw unavailable(
      config,
      `parameters["engine"] "native": the addon of ${found.package.name} as published runs TensorFlow.js models in one thread only, which nobody can promise here. 'npm run setup:tensorflow' builds one that is safe`,
    );
  }
  return found;
}

function checkParameters(config: ModelConfig): void {
  for (const name of config.parameters.keys()) {
    if ((knownParameters as readonly string[]).includes(name)) continue;
    if (notSupportedParameters.includes(name))
      throw unsupported(
        config,
        `parameters["${name}"]`,
        "TensorFlow's sessions are opened with its defaults",
      );
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

function unavailable(config: ModelConfig, problem: string): StatusError {
  return new StatusError("UNAVAILABLE", `model '${config.name}': ${problem}`);
}

function invalid(config: ModelConfig, path: string, problem: string): StatusError {
  return new StatusError("INVALID_ARG", `model '${config.name}': ${path} ${problem}`);
}
