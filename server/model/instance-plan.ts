import type { BackendEngine, BackendModelSettings, ModelInstanceInit } from "../../backends/backend.ts";
import type { InstanceGroup, ModelConfig } from "../model-config/model-config.ts";
import type { CoreBudget } from "./core-budget.ts";

/** What to start for one model version. */
export interface InstancePlan {
  readonly inits: ModelInstanceInit[];
  /** Names of the instances that are loaded and never given work. */
  readonly passive: ReadonlySet<string>;
  /** Threads per instance. */
  readonly threadCount: number;
  /** Why it is so many threads. */
  readonly threadReason: string;
  /** What runs the model, where its backend has more than one way; else `null`. */
  readonly engine: BackendEngine | null;
  /** One line for the log: what was chosen. */
  readonly summary: string;
  readonly warnings: readonly string[];
}

/** What the plan is made from. */
export interface InstancePlanInput {
  readonly config: ModelConfig;
  readonly version: string;
  /** Absolute path of the model file. */
  readonly modelPath: string;
  readonly settings: BackendModelSettings;
  readonly coreBudget: CoreBudget;
  readonly gpuDeviceIds: () => readonly number[];
}

/**
 * Decides how many instances run where and with how many threads.
 *
 * @see contract §4.2, ModelInstanceGroup: instances are named `<group>_<i>`; a KIND_GPU group has `count` instances
 * on each of its GPUs.
 */
export function planInstances(input: InstancePlanInput): InstancePlan {
  const { config, version, settings } = input;
  const placed = config.instanceGroup.flatMap((group) => placeGroup(group, input.gpuDeviceIds));
  // Passive instances never compute: the cores are for the others.
  const cpuCount = placed.filter((place) => place.kind === "KIND_CPU" && !place.isPassive).length;
  const grant = input.coreBudget.grant(cpuCount, settings.intraOpThreadCount);
  const inits = placed.map(
    (place): ModelInstanceInit => ({
      modelName: config.name,
      modelVersion: version,
      instanceName: place.name,
      modelPath: input.modelPath,
      kind: place.kind,
      deviceId: place.deviceId,
      threadCount: grant.threadCount,
      options: settings.options,
    }),
  );
  const cores = input.coreBudget.coreCount;
  const warnings = grant.isOverBudget
    ? [
        `Model '${config.name}' version ${version}: ${cpuCount} instances × ${grant.threadCount} threads exceed the ${cores} cores of this machine`,
      ]
    : [];
  return {
    inits,
    threadCount: grant.threadCount,
    threadReason:
      settings.intraOpThreadCount === null
        ? `${cores} core(s) shared by ${cpuCount} instance(s) on the CPU`
        : "asked for by the configuration or --backend-config",
    passive: new Set(placed.filter((place) => place.isPassive).map((place) => place.name)),
    warnings,
    engine: settings.engine ?? null,
    summary: `Loading model '${config.name}' version ${version}: ${inits.length} instance(s), ${grant.threadCount} thread(s) each of ${cores} core(s), backend ${config.backend}${describeEngine(settings.engine)}`,
  };
}

function describeEngine(engine: BackendEngine | undefined): string {
  return engine === undefined ? "" : `, engine ${engine.name} (${engine.description})`;
}

interface InstancePlace {
  readonly name: string;
  readonly kind: InstanceGroup["kind"];
  readonly deviceId: number;
  readonly isPassive: boolean;
}

function placeGroup(group: InstanceGroup, gpuDeviceIds: () => readonly number[]): InstancePlace[] {
  const devices = group.kind === "KIND_CPU" ? [-1] : group.gpus.length > 0 ? group.gpus : gpuDeviceIds();
  return devices
    .flatMap((deviceId) => new Array<number>(group.count).fill(deviceId))
    .map((deviceId, index) => ({
      name: `${group.name}_${index}`,
      kind: group.kind,
      deviceId,
      isPassive: group.isPassive,
    }));
}
