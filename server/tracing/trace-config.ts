import { traceLevel, type TraceLevel } from "./trace-level.ts";

/** Where traces go. `triton`: JSON files of the server; `opentelemetry`: a collector. Fixed for a server's life. */
export const traceModes = ["triton", "opentelemetry"] as const;
export type TraceMode = (typeof traceModes)[number];

/** The values of a trace setting: of the whole server, or of one model. */
export interface TraceValues {
  readonly level: TraceLevel;
  /** Each so many-th request is traced; 0: none but those that an OpenTelemetry client traces. */
  readonly rate: number;
  /** How many more requests are traced; -1: any number. */
  readonly count: number;
  /** Traces in one file; 0: all traces go into one file, which is written when the server ends. */
  readonly logFrequency: number;
}

/** How spans reach an OpenTelemetry collector. */
export interface OpenTelemetryConfig {
  /** Of the collector's OTLP/HTTP endpoint. */
  readonly url: string;
  /** Resource attributes in the order given; of equal keys the last one wins. */
  readonly resource: readonly (readonly [key: string, value: string])[];
  /** Spans that wait at most; what comes beyond is dropped. */
  readonly maxQueueSize: number;
  readonly scheduleDelayMs: number;
  readonly maxExportBatchSize: number;
}

/** What the command line says of tracing, complete. */
export interface TraceConfig {
  readonly mode: TraceMode;
  /** The global setting at start. */
  readonly values: TraceValues;
  /** Mode `triton`; "": none was given. */
  readonly filePath: string;
  readonly openTelemetry: OpenTelemetryConfig;
}

/** No tracing. The numbers are Triton's and the OpenTelemetry specification's. */
export const defaultTraceConfig: TraceConfig = {
  mode: "triton",
  values: { level: traceLevel.off, rate: 1000, count: -1, logFrequency: 0 },
  filePath: "",
  openTelemetry: {
    url: "http://localhost:4318/v1/traces",
    resource: [],
    maxQueueSize: 2048,
    scheduleDelayMs: 5000,
    maxExportBatchSize: 512,
  },
};

/** The settings that select something else than OFF and can still not trace: the reason, or `null` for none. */
export function traceObstacle(values: TraceValues, config: TraceConfig): string | null {
  if (values.level === traceLevel.off) return null;
  if (config.mode === "opentelemetry") {
    const hasTensors = (values.level & traceLevel.tensors) !== 0;
    return hasTensors ? "level TENSORS needs the trace mode triton" : null;
  }
  if (config.filePath === "") return "the trace file name is not given (--trace-config=triton,file=<path>)";
  return values.rate === 0 ? "the sample rate must not be zero in trace mode triton" : null;
}
