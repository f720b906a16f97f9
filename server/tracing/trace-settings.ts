import { failure, type Status } from "../core/status.ts";
import type { TraceChange } from "./trace-change.ts";
import { type TraceConfig, traceObstacle, type TraceValues } from "./trace-config.ts";
import { namesOfTraceLevel } from "./trace-level.ts";
import { TraceSetting } from "./trace-setting.ts";

/** Trace settings in the form of the trace extension: numbers as texts, in the order in which Triton writes them. */
export type TraceSettingsReport = Readonly<Record<string, string | readonly string[]>>;

/** A model with values of its own: the others are the global ones. */
interface ModelSetting {
  readonly own: Partial<TraceValues>;
  readonly setting: TraceSetting;
}

/** The trace settings of a server: the global one, and those of models that have values of their own. */
export class TraceSettings {
  readonly #config: TraceConfig;
  #global: TraceSetting;
  #models: ReadonlyMap<string, ModelSetting> = new Map();

  constructor(config: TraceConfig) {
    this.#config = config;
    this.#global = new TraceSetting("", config.values);
  }

  /** The setting that governs the requests of a model. "" for the global one. */
  of(modelName: string): TraceSetting {
    return this.#models.get(modelName)?.setting ?? this.#global;
  }

  /** Some request may be traced. Clients that trace by themselves count in mode `opentelemetry` only. */
  canTrace(): boolean {
    const canTrace = (setting: TraceSetting): boolean =>
      setting.isSampling || (this.#config.mode === "opentelemetry" && !setting.isOff);
    if (canTrace(this.#global)) return true;
    for (const { setting } of this.#models.values()) if (canTrace(setting)) return true;
    return false;
  }

  /** What holds for a model, or globally for "". */
  report(modelName: string): TraceSettingsReport {
    const { level, rate, count, logFrequency } = this.of(modelName).current;
    const { mode, filePath, openTelemetry } = this.#config;
    const common = {
      trace_level: namesOfTraceLevel(level),
      trace_rate: String(rate),
      trace_count: String(count),
    };
    if (mode === "triton") {
      return { ...common, log_frequency: String(logFrequency), trace_file: filePath, trace_mode: mode };
    }
    return {
      ...common,
      trace_mode: mode,
      url: openTelemetry.url,
      resource: openTelemetry.resource.map(([key, value]) => `${key}=${value}`),
      bsp_max_queue_size: String(openTelemetry.maxQueueSize),
      bsp_schedule_delay: String(openTelemetry.scheduleDelayMs),
      bsp_max_export_batch_size: String(openTelemetry.maxExportBatchSize),
    };
  }

  /**
   * Changes the global setting, and with it those of models as far as they have no value of their own; or the setting of
   * one model. All or nothing.
   *
   * @param modelName - "" for the global setting.
   * @returns `null`, or INVALID_ARG when tracing would be on and could not trace: nothing was changed then.
   */
  change(modelName: string, change: TraceChange): Status {
    return modelName === "" ? this.#changeGlobal(change) : this.#changeModel(modelName, change);
  }

  #changeGlobal(change: TraceChange): Status {
    const values = { ...this.#global.current, ...replacing(change, this.#config.values) };
    const global = new TraceSetting("", values);
    const models = new Map<string, ModelSetting>();
    for (const [name, { own, setting }] of this.#models) {
      models.set(name, this.#modelSetting(name, remaining(own, setting), values));
    }
    const refusal = this.#refusal(global, "") ?? this.#firstRefusal(models);
    if (refusal !== null) return refusal;
    this.#global = global;
    this.#models = models;
    return null;
  }

  #changeModel(name: string, change: TraceChange): Status {
    const before = this.#models.get(name);
    const own: Partial<TraceValues> = Object.fromEntries(
      Object.entries({
        ...(before === undefined ? {} : remaining(before.own, before.setting)),
        ...change,
      }).filter(([, value]) => value !== null),
    );
    const models = new Map(this.#models);
    if (Object.keys(own).length === 0) models.delete(name);
    else models.set(name, this.#modelSetting(name, own, this.#global.current));
    const changed = models.get(name);
    const refusal = changed === undefined ? null : this.#refusal(changed.setting, "");
    if (refusal !== null) return refusal;
    this.#models = models;
    return null;
  }

  #modelSetting(name: string, own: Partial<TraceValues>, global: TraceValues): ModelSetting {
    return { own, setting: new TraceSetting(name, { ...global, ...own }) };
  }

  #firstRefusal(models: ReadonlyMap<string, ModelSetting>): Status {
    for (const [name, { setting }] of models) {
      const refusal = this.#refusal(setting, ` of model '${name}'`);
      if (refusal !== null) return refusal;
    }
    return null;
  }

  #refusal(setting: TraceSetting, whose: string): Status {
    const reason = traceObstacle(setting.values, this.#config);
    if (reason === null) return null;
    return failure("INVALID_ARG", `Attempting to set invalid trace setting${whose}: ${reason}`);
  }
}

/** Of a count that stays as it is, what has been used up stays used up. */
function remaining(own: Partial<TraceValues>, setting: TraceSetting): Partial<TraceValues> {
  return own.count === undefined ? own : { ...own, count: setting.current.count };
}

/** The change's values, with those of `fallback` in the place of `null`. */
function replacing(change: TraceChange, fallback: TraceValues): Partial<TraceValues> {
  return Object.fromEntries(fieldsOf(change).map((field) => [field, change[field] ?? fallback[field]]));
}

function fieldsOf(change: TraceChange): (keyof TraceValues)[] {
  return (["level", "rate", "count", "logFrequency"] as const).filter((field) => field in change);
}
