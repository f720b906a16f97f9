import type { Failure, Status } from "./core/status.ts";
import type { LogSettingsReport } from "./logging/log-setting.ts";
import type { ServedModel } from "./model/served-model.ts";
import type { ModelLoadRequest } from "./repository/model-load-request.ts";
import type { ModelIndexRow } from "./repository/repository-index.ts";
import type { SharedMemoryManager } from "./shared-memory/shared-memory-manager.ts";
import type { StatisticsReport } from "./statistics/statistics-report.ts";
import type { SentTraceSetting } from "./tracing/trace-change.ts";
import type { TraceSettingsReport } from "./tracing/trace-settings.ts";
import type { Tracer } from "./tracing/tracer.ts";

/** `GET /v2`. */
export interface ServerMetadata {
  readonly name: string;
  readonly version: string;
  readonly extensions: readonly string[];
}

/** Metadata of a model. */
export interface ModelMetadata {
  readonly name: string;
  readonly versions: readonly string[];
  readonly platform: string;
  readonly inputs: readonly {
    readonly name: string;
    readonly datatype: string;
    readonly shape: readonly number[];
  }[];
  readonly outputs: readonly {
    readonly name: string;
    readonly datatype: string;
    readonly shape: readonly number[];
  }[];
}

/** The operations that front ends translate to. `InferenceServer` implements them. */
export interface DataPlane {
  /** Asked by the front ends which requests are traced. */
  readonly tracer: Tracer;
  /** The regions that clients have registered. */
  readonly sharedMemory: SharedMemoryManager;
  /** The server has initialised. False while it starts and after it failed to initialise. */
  isLive(): boolean;
  /** Ready for requests, by the rule of `--strict-readiness`. */
  isReady(): boolean;
  /** The server has begun to shut down: every operation is then refused as UNAVAILABLE by the front ends. */
  isExiting(): boolean;
  serverMetadata(): ServerMetadata;
  /**
   * The ready version to use.
   * @param version - Decimal number as sent by the client, or "" for the highest ready version.
   * @returns The model, or NOT_FOUND (unknown model or version) or UNAVAILABLE (the version is not ready).
   */
  findModel(name: string, version: string): ServedModel | Failure;
  /** Whether the version is ready; NOT_FOUND or UNAVAILABLE as {@link findModel}. */
  modelReady(name: string, version: string): boolean | Failure;
  modelMetadata(name: string, version: string): ModelMetadata | Failure;
  /**
   * Statistics of ready versions.
   * @param name - "" for all models.
   * @param version - Decimal number, or "" for all ready versions of the model.
   * @returns By name and version; INVALID_ARG when the model that is named has no such ready version.
   */
  modelStatistics(name: string, version: string): readonly StatisticsReport[] | Failure;
  logSettings(): LogSettingsReport;
  /**
   * Changes one log setting, from the next record on.
   * @param value - As the client sent it, of any type but null.
   * @returns `null`, or INVALID_ARG or UNSUPPORTED: nothing was changed then.
   */
  changeLogSetting(name: string, value: unknown): Status;
  /** The trace settings of a model, NOT_FOUND or UNAVAILABLE as {@link findModel}; the global ones for "". */
  traceSettings(modelName: string): TraceSettingsReport | Failure;
  /**
   * Changes trace settings of a model, or for "" the global ones; all of them or none.
   * @returns The settings after it. UNSUPPORTED: a setting that is fixed while the server runs. INVALID_ARG: an unknown
   * one, a value that it cannot have, or tracing that is on and cannot trace. NOT_FOUND, UNAVAILABLE: the model.
   */
  changeTraceSettings(
    modelName: string,
    settings: readonly SentTraceSetting[],
  ): TraceSettingsReport | Failure;
  /**
   * What is in the repositories and how far each model is, in every control mode.
   * @param onlyReady - Leave out every version that is not READY.
   * @returns Never rejects. INTERNAL when a repository cannot be read.
   */
  repositoryIndex(onlyReady: boolean): Promise<readonly ModelIndexRow[] | Failure>;
  /**
   * Loads or reloads a model, in control mode `explicit` only. A model that serves and has not changed is left alone.
   * @returns When the load has ended; never rejects. UNAVAILABLE: another control mode. INVALID_ARG: the name, or a
   * version did not come up. INTERNAL: no such model, or its directory, its config or an overriding file is wrong.
   * After a failure the versions that served before go on serving.
   */
  loadModel(request: ModelLoadRequest): Promise<Status>;
  /**
   * Unloads a model, in control mode `explicit` only. One that is not loaded, or not known, is no error. Ensembles that
   * need it go down with it.
   * @param withDependents - Also unload the models that were loaded only because this ensemble needs them; not by
   * default.
   * @returns When its versions take no more requests; accepted ones end afterwards. Never rejects. UNAVAILABLE:
   * another control mode.
   */
  unloadModel(name: string, withDependents?: boolean): Promise<Status>;
}

/** Tells a failure from what an operation returns otherwise. */
export function isFailure(result: object | boolean): result is Failure {
  return typeof result === "object" && "code" in result && "message" in result;
}
