import { nearest } from "../../server/core/edit-distance.ts";
import { StatusError } from "../../server/core/status.ts";
import type { ModelConfig } from "../../server/model-config/model-config.ts";
import type { BackendModelSettings, BackendServerSettings } from "../backend.ts";

/** Session settings of one model. Survives structured cloning. `null` leaves ONNX Runtime's own default. */
export interface OnnxRuntimeOptions {
  readonly interOpThreadCount: number;
  readonly executionMode: "sequential" | "parallel";
  readonly graphOptimizationLevel: "disabled" | "basic" | "extended" | "all";
  readonly isMemoryArenaEnabled: boolean | null;
  readonly isMemoryPatternEnabled: boolean | null;
}

/** `parameters` of a model's config that this backend reads. */
const knownParameters = [
  "intra_op_thread_count",
  "inter_op_thread_count",
  "execution_mode",
  "enable_mem_arena",
  "enable_mem_pattern",
] as const;
type KnownParameter = (typeof knownParameters)[number];

/** Triton's further parameters of this backend: refused by name, so that nobody believes they work. */
const notSupportedParameters: readonly string[] = [
  "memory.enable_memory_arena_shrinkage",
  "session.use_device_allocator_for_initializers",
  "cudnn_conv_algo_search",
  "gpu_mem_limit",
  "arena_extend_strategy",
  "do_copy_in_default_stream",
];

/** Config values of `optimization.graph.level`, as Triton's backend reads them. */
const graphLevels: ReadonlyMap<number, OnnxRuntimeOptions["graphOptimizationLevel"]> = new Map([
  [0, "all"],
  [-1, "basic"],
  [1, "extended"],
  [2, "disabled"],
] as const);

/**
 * Reads the settings of one model from its config, with the command line's as defaults.
 *
 * @throws StatusError that names the parameter, what was found and what is allowed.
 */
export function resolveOnnxRuntimeSettings(
  config: ModelConfig,
  server: BackendServerSettings,
): BackendModelSettings {
  checkNames(config);
  checkOptionalInputs(config);
  const count = (name: KnownParameter): number => integer(config, name, server.get(name) ?? "0");
  const graphOptimizationLevel = graphLevels.get(config.optimization.graphLevel);
  if (graphOptimizationLevel === undefined) {
    throw invalid(
      config,
      "optimization.graph.level",
      String(config.optimization.graphLevel),
      "-1, 0, 1 or 2",
    );
  }
  const intraOpThreadCount = count("intra_op_thread_count");
  const options: OnnxRuntimeOptions = {
    // 0 would give the inter-op pool as many threads as there are cores, outside the core budget.
    interOpThreadCount: Math.max(1, count("inter_op_thread_count")),
    executionMode: flag(config, "execution_mode") === true ? "parallel" : "sequential",
    graphOptimizationLevel,
    isMemoryArenaEnabled: flag(config, "enable_mem_arena"),
    isMemoryPatternEnabled: flag(config, "enable_mem_pattern"),
  };
  return { intraOpThreadCount: intraOpThreadCount === 0 ? null : intraOpThreadCount, options };
}

function checkNames(config: ModelConfig): void {
  for (const name of config.parameters.keys()) {
    if ((knownParameters as readonly string[]).includes(name)) continue;
    if (notSupportedParameters.includes(name)) {
      throw new StatusError(
        "UNSUPPORTED",
        `model '${config.name}': parameters["${name}"] is not supported yet`,
      );
    }
    const suggestion = nearest(name, knownParameters);
    throw new StatusError(
      "INVALID_ARG",
      `model '${config.name}': parameters["${name}"] is not known to the onnxruntime backend` +
        (suggestion === null ? "" : `, did you mean "${suggestion}"?`) +
        ` Known: ${knownParameters.join(", ")}`,
    );
  }
}

/** As in Triton's backend. */
function checkOptionalInputs(config: ModelConfig): void {
  const optional = config.input.findIndex((input) => input.isOptional);
  if (optional < 0 || config.maxBatchSize === 0) return;
  throw new StatusError(
    "INVALID_ARG",
    `model '${config.name}': input[${optional}].optional needs max_batch_size 0 with the onnxruntime backend, got ${config.maxBatchSize}`,
  );
}

/** A count of threads; 0 means the default. */
function integer(config: ModelConfig, name: KnownParameter, fallback: string): number {
  const text = config.parameters.get(name) ?? fallback;
  const value = Number(text);
  if (!/^\d+$/.test(text) || value > 1024)
    throw invalid(config, `parameters["${name}"]`, text, "a count from 0 to 1024");
  return value;
}

/** A parameter that is "0" or "1"; `null` when absent. */
function flag(config: ModelConfig, name: KnownParameter): boolean | null {
  const text = config.parameters.get(name);
  if (text === undefined) return null;
  if (text !== "0" && text !== "1") throw invalid(config, `parameters["${name}"]`, text, '"0" or "1"');
  return text === "1";
}

function invalid(config: ModelConfig, path: string, found: string, allowed: string): StatusError {
  return new StatusError("INVALID_ARG", `model '${config.name}': ${path} is "${found}", expected ${allowed}`);
}
