import { nearest } from "../core/edit-distance.ts";
import type { MetricsConfig } from "../metrics/metrics-config.ts";
import type { QuantileTarget } from "../statistics/quantile-sketch.ts";
import { allowedBooleans, type OptionValue, parseBoolean, ValueProblem } from "./option-value.ts";

/** A setting that `--metrics-config` accepts. */
export interface MetricsConfigKey {
  readonly key: string;
  readonly doc: string;
  /** Takes the value over, or says what it should have been. */
  readonly set: (config: MetricsConfig, value: string) => MetricsConfig | string;
}

const syntax = "<key>=<value>";

/** Every setting of `--metrics-config`. */
export const metricsConfigKeys: readonly MetricsConfigKey[] = [
  {
    key: "counter_latencies",
    doc: "Whether there are counters of durations, and of all that concerns cached models. Other counts are there in any case. Default true.",
    set: (config, text) => setBoolean(config, "counterLatencies", text),
  },
  {
    key: "summary_latencies",
    doc: "Whether there are summaries: quantiles of the durations over the last minute. Default false: they cost each request a little.",
    set: (config, text) => setBoolean(config, "summaryLatencies", text),
  },
  {
    key: "summary_quantiles",
    doc: "The quantiles of summaries, as `<quantile>:<error>,…`. With `0.9:0.01` the value shown is one between the 89th and the 91st percentile. Errors below 0.001 take more memory. Default `0.5:0.05,0.9:0.01,0.95:0.001,0.99:0.001,0.999:0.001`.",
    set: setQuantiles,
  },
  {
    key: "histogram_latencies",
    doc: "Whether there is a histogram of the times until first responses. `model_metrics` in a model's config sets its buckets. Default false.",
    set: (config, text) => setBoolean(config, "histogramLatencies", text),
  },
];

const knownKeys = metricsConfigKeys.map(({ key }) => key);

/** The value of `--metrics-config`: each occurrence sets one key. */
export const metricsConfigValue: OptionValue<MetricsConfig> = {
  placeholder: syntax,
  allowed: syntax,
  isRepeatable: true,
  read: readSetting,
};

function readSetting(text: string, previous: MetricsConfig): MetricsConfig | ValueProblem {
  const [, key, value] = /^([^,=]+)=(.+)$/s.exec(text) ?? [];
  if (key === undefined || value === undefined) return ValueProblem.expected(syntax, text);
  const found = metricsConfigKeys.find((known) => known.key === key);
  if (found === undefined) {
    const suggestion = nearest(key, knownKeys);
    const hint = suggestion === null ? "" : `, did you mean ${suggestion}?`;
    return new ValueProblem(`names unknown key "${key}"${hint} (known: ${knownKeys.join(", ")})`);
  }
  const config = found.set(previous, value);
  return typeof config === "string" ? ValueProblem.expected(`${config} for ${key}`, value) : config;
}

function setBoolean(
  config: MetricsConfig,
  field: "counterLatencies" | "summaryLatencies" | "histogramLatencies",
  text: string,
): MetricsConfig | string {
  const value = parseBoolean(text);
  return value === undefined ? allowedBooleans : { ...config, [field]: value };
}

const allowedQuantiles =
  "<quantile>:<error>,… with numbers above 0 and below 1, no quantile twice, such as 0.5:0.05,0.99:0.001";

function setQuantiles(config: MetricsConfig, text: string): MetricsConfig | string {
  const targets = text.split(",").map(readTarget);
  const summaryQuantiles = targets.filter((target) => target !== null);
  const distinct = new Set(summaryQuantiles.map(({ quantile }) => quantile));
  return distinct.size < targets.length ? allowedQuantiles : { ...config, summaryQuantiles };
}

/** A decimal number without sign. */
const decimal = /^\d*\.?\d+(?:e[+-]?\d+)?$/i;

function readTarget(text: string): QuantileTarget | null {
  const [quantile, error, ...rest] = text.split(":").map((part) => part.trim());
  if (quantile === undefined || error === undefined || rest.length > 0) return null;
  if (!decimal.test(quantile) || !decimal.test(error)) return null;
  const target = { quantile: Number(quantile), error: Number(error) };
  return isShare(target.quantile) && isShare(target.error) ? target : null;
}

function isShare(value: number): boolean {
  return value > 0 && value < 1;
}
