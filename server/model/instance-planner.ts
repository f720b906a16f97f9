import path from "node:path";
import type { Backend } from "../../backends/backend.ts";
import { StatusError } from "../core/status.ts";
import type { ModelConfig } from "../model-config/model-config.ts";
import { type InstancePlan, planInstances } from "./instance-plan.ts";
import type { ModelLoaderParts } from "./model-loader-parts.ts";
import type { ModelSource } from "./model-source.ts";

/** What planning needs of the server. */
export type InstancePlannerParts = Pick<
  ModelLoaderParts,
  "backends" | "backendSettings" | "isAutoCompleteEnabled" | "coreBudget"
>;

/** Decides which instances a version gets, by its config and the settings of its backend. */
export class InstancePlanner {
  readonly #parts: InstancePlannerParts;

  constructor(parts: InstancePlannerParts) {
    this.#parts = parts;
  }

  /** The backend that a drafted config names. */
  backendOf(config: ModelConfig): Backend {
    const backend = this.#parts.backends.find((candidate) => candidate.name === config.backend);
    if (backend === undefined) throw new Error(`Backend '${config.backend}' vanished. This is a bug.`);
    return backend;
  }

  /**
   * The instances that a version gets.
   *
   * @param config - At least a draft's.
   * @throws StatusError when the config asks for what the backend cannot do.
   */
  plan({ directory }: Pick<ModelSource, "directory">, config: ModelConfig, version: string): InstancePlan {
    const backend = this.backendOf(config);
    const serverSettings = new Map(this.#parts.backendSettings(backend.name));
    serverSettings.set("auto-complete-config", String(this.#parts.isAutoCompleteEnabled));
    if (config.sequenceBatching?.isIterative === true && backend.executionStyle === "batch") {
      throw new StatusError(
        "INVALID_ARG",
        `model '${config.name}': sequence_batching.iterative_sequence needs a backend that can ask for another run of a request, such as javascript; ${backend.name} cannot. Leave it out`,
      );
    }
    const settings = backend.resolveSettings(config, serverSettings);
    return planInstances({
      config,
      version,
      modelPath: path.resolve(directory, version, config.defaultModelFilename),
      settings,
      coreBudget: this.#parts.coreBudget,
      gpuDeviceIds: () => backend.gpuDeviceIds(),
    });
  }
}
