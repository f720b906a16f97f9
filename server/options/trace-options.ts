import { defaultTraceConfig } from "../tracing/trace-config.ts";
import type { TraceConfig } from "../tracing/trace-config.ts";
import type { OptionDefinition } from "./option-definition.ts";
import type { ServerOptions } from "./server-options.ts";
import { traceConfigValue } from "./trace-config-value.ts";
import { ValueProblem } from "./option-value.ts";

/** The option of tracing. */
export const traceOptions = {
  traceConfig: {
    flag: "--trace-config",
    group: "Tracing",
    value: traceConfigValue,
    doc:
      "A setting of tracing: the table below lists them, docs/tracing.md explains them. Level, rate, count and log frequency " +
      "can be changed while the server runs, also for single models: POST /v2/trace/setting.",
    defaultValue: defaultTraceConfig,
    defaultText: "no tracing",
    defaultReason: "A trace costs time and room; who wants some says which.",
  },
} satisfies Partial<{ readonly [F in keyof ServerOptions]: OptionDefinition<ServerOptions[F]> }>;

/** Triton's older options, each with the `--trace-config` that it means. */
export const deprecatedTraceOptions: ReadonlyMap<string, string> = new Map([
  ["--trace-file", "triton,file"],
  ["--trace-level", "level"],
  ["--trace-rate", "rate"],
  ["--trace-count", "count"],
  ["--trace-log-frequency", "triton,log-frequency"],
]);

/** OpenTelemetry's variables for the settings of its batch processor. */
export const traceEnvironmentVariables = {
  bspMaxQueueSize: {
    name: "OTEL_BSP_MAX_QUEUE_SIZE",
    doc: "Default of `--trace-config=opentelemetry,bsp_max_queue_size=…`.",
    defaultValue: defaultTraceConfig.openTelemetry.maxQueueSize,
    setting: "opentelemetry,bsp_max_queue_size",
  },
  bspScheduleDelay: {
    name: "OTEL_BSP_SCHEDULE_DELAY",
    doc: "Default of `--trace-config=opentelemetry,bsp_schedule_delay=…`, in milliseconds.",
    defaultValue: defaultTraceConfig.openTelemetry.scheduleDelayMs,
    setting: "opentelemetry,bsp_schedule_delay",
  },
  bspMaxExportBatchSize: {
    name: "OTEL_BSP_MAX_EXPORT_BATCH_SIZE",
    doc: "Default of `--trace-config=opentelemetry,bsp_max_export_batch_size=…`.",
    defaultValue: defaultTraceConfig.openTelemetry.maxExportBatchSize,
    setting: "opentelemetry,bsp_max_export_batch_size",
  },
} as const;

/** The configuration before the command line has its say. */
export interface TraceDefaults {
  readonly config: TraceConfig;
  /** What is wrong with a variable that concerns mode `opentelemetry`; `null`: nothing. */
  readonly problem: string | null;
}

/** Reads OpenTelemetry's environment variables. */
export function traceDefaultsFrom(env: Readonly<Record<string, string | undefined>>): TraceDefaults {
  let config = defaultTraceConfig;
  let problem: string | null = null;
  for (const { name, setting } of Object.values(traceEnvironmentVariables)) {
    const text = env[name];
    // The specification takes an empty variable for one that is not set.
    if (text === undefined || text === "") continue;
    const read = traceConfigValue.read(`${setting}=${text}`, config);
    if (read instanceof ValueProblem) problem ??= `Environment variable ${name} ${read.message}`;
    else config = read;
  }
  return { config, problem };
}
