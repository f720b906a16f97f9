import { nearest } from "../core/edit-distance.ts";
import { type TraceConfig, type TraceMode, traceModes } from "../tracing/trace-config.ts";
import { traceLevel, traceLevelBit, traceLevelNames } from "../tracing/trace-level.ts";
import { type OptionValue, parseInteger, ValueProblem } from "./option-value.ts";

/** A setting that `--trace-config` accepts. */
export interface TraceConfigKey {
  /** `null`: written without a mode. */
  readonly mode: TraceMode | null;
  readonly key: string;
  readonly doc: string;
  /** Takes the value over, or says what it should have been. */
  readonly set: (config: TraceConfig, value: string) => TraceConfig | string;
}

const syntax = "[<mode>,]<key>=<value>";

const maxUint32 = 2 ** 32 - 1;
const maxInt32 = 2 ** 31 - 1;

/** Every setting of `--trace-config`. */
export const traceConfigKeys: readonly TraceConfigKey[] = [
  {
    mode: null,
    key: "mode",
    doc: "`triton` writes JSON files, `opentelemetry` sends spans to a collector. Default `triton`.",
    set: setMode,
  },
  {
    mode: null,
    key: "level",
    doc: "`OFF`, `TIMESTAMPS` or `TENSORS`; give it twice for both of the latter. `TENSORS` copies inputs and outputs of traced requests, in mode `triton` only. Default `OFF`.",
    set: setLevel,
  },
  {
    mode: null,
    key: "rate",
    doc: "Each so many-th request is traced. 0, in mode `opentelemetry` only: none but those that a client traces. Default 1000.",
    set: (config, text) => setValue(config, "rate", integer(text, 0, maxUint32)),
  },
  {
    mode: null,
    key: "count",
    doc: "How many requests are traced altogether; -1: any number. Default -1.",
    set: (config, text) => setValue(config, "count", integer(text, -1, maxInt32)),
  },
  {
    mode: "triton",
    key: "file",
    doc: "The trace file. Needed with a level other than `OFF`.",
    set: (config, text) => (text === "" ? "a path" : { ...config, filePath: text }),
  },
  {
    mode: "triton",
    key: "log-frequency",
    doc: "Traces in one file, named `<file>.0`, `<file>.1` and so on; 0: all in `<file>`, complete when the server ends. Default 0.",
    set: (config, text) => setValue(config, "logFrequency", integer(text, 0, maxUint32)),
  },
  {
    mode: "opentelemetry",
    key: "url",
    doc: "The collector's OTLP/HTTP endpoint for traces. Default `http://localhost:4318/v1/traces`.",
    set: (config, text) =>
      /^https?:$/.test(protocolOf(text)) ? change(config, { url: text }) : "an http or https URL",
  },
  {
    mode: "opentelemetry",
    key: "resource",
    doc: "`<key>=<value>`, an attribute of the resource; repeatable. Default `service.name=triton-inference-server`.",
    set: setResource,
  },
  {
    mode: "opentelemetry",
    key: "bsp_max_queue_size",
    doc: "Spans that wait for the collector at most; further ones are dropped. Default 2048, or `OTEL_BSP_MAX_QUEUE_SIZE`.",
    set: (config, text) => setBatch(config, "maxQueueSize", integer(text, 1, maxInt32)),
  },
  {
    mode: "opentelemetry",
    key: "bsp_schedule_delay",
    doc: "Milliseconds between two exports. Default 5000, or `OTEL_BSP_SCHEDULE_DELAY`.",
    set: (config, text) => setBatch(config, "scheduleDelayMs", integer(text, 0, maxInt32)),
  },
  {
    mode: "opentelemetry",
    key: "bsp_max_export_batch_size",
    doc: "Spans in one export at most, and not more than may wait. Default 512, or `OTEL_BSP_MAX_EXPORT_BATCH_SIZE`.",
    set: (config, text) => setBatch(config, "maxExportBatchSize", integer(text, 1, maxInt32)),
  },
];

/** The value of `--trace-config`: each occurrence sets one key. */
export const traceConfigValue: OptionValue<TraceConfig> = {
  placeholder: syntax,
  allowed: syntax,
  isRepeatable: true,
  read: readSetting,
};

function readSetting(text: string, previous: TraceConfig): TraceConfig | ValueProblem {
  const [, modeName, key, value] = /^(?:([^,=]*),)?([^,=]+)=(.*)$/s.exec(text) ?? [];
  if (key === undefined || value === undefined) return ValueProblem.expected(syntax, text);
  const mode = modeName === undefined ? null : traceModes.find((known) => known === modeName);
  if (mode === undefined) return unknownName(`trace mode "${modeName}"`, modeName ?? "", traceModes);
  const keys = traceConfigKeys.filter((known) => known.mode === mode);
  const found = keys.find((known) => known.key === key);
  if (found === undefined) {
    const owner = mode === null ? "" : ` of trace mode ${mode}`;
    return unknownName(
      `key "${key}"${owner}`,
      key,
      keys.map((known) => known.key),
    );
  }
  const config = found.set(previous, value);
  return typeof config === "string" ? ValueProblem.expected(`${config} for ${key}`, value) : config;
}

function unknownName(what: string, name: string, known: readonly string[]): ValueProblem {
  const suggestion = nearest(name, known);
  const hint = suggestion === null ? "" : `, did you mean ${suggestion}?`;
  return new ValueProblem(`names unknown ${what}${hint} (known: ${known.join(", ")})`);
}

function setMode(config: TraceConfig, text: string): TraceConfig | string {
  const mode = traceModes.find((known) => known === text);
  return mode === undefined ? traceModes.join(" or ") : { ...config, mode };
}

/** Levels add up; OFF takes back what came before it. */
function setLevel(config: TraceConfig, text: string): TraceConfig | string {
  const bit = traceLevelBit(text);
  if (bit === undefined) return traceLevelNames.join(", ").replace(/, (\w+)$/, " or $1");
  const level = bit === traceLevel.off ? bit : config.values.level | bit;
  return { ...config, values: { ...config.values, level } };
}

function setValue(
  config: TraceConfig,
  field: keyof TraceConfig["values"],
  value: number | string,
): TraceConfig | string {
  return typeof value === "string" ? value : { ...config, values: { ...config.values, [field]: value } };
}

function setBatch(
  config: TraceConfig,
  field: "maxQueueSize" | "scheduleDelayMs" | "maxExportBatchSize",
  value: number | string,
): TraceConfig | string {
  return typeof value === "string" ? value : change(config, { [field]: value });
}

function setResource(config: TraceConfig, text: string): TraceConfig | string {
  const equals = text.indexOf("=");
  if (equals < 1) return "<key>=<value>";
  const attribute = [text.slice(0, equals), text.slice(equals + 1)] as const;
  return change(config, { resource: [...config.openTelemetry.resource, attribute] });
}

function change(config: TraceConfig, part: Partial<TraceConfig["openTelemetry"]>): TraceConfig {
  return { ...config, openTelemetry: { ...config.openTelemetry, ...part } };
}

/** The integer, or what it should have been. */
function integer(text: string, min: number, max: number): number | string {
  const value = parseInteger(text);
  return value !== undefined && value >= min && value <= max ? value : `an integer from ${min} to ${max}`;
}

function protocolOf(text: string): string {
  return URL.canParse(text) ? new URL(text).protocol : "";
}
