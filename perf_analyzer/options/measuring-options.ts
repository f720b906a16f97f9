import { type AnalyzerOptions, type ServiceKind, serviceKinds } from "./analyzer-options.ts";
import type { OptionDefinition } from "./option-definition.ts";
import {
  choiceValue,
  countValue,
  decimalValue,
  optionalTextValue,
  optionalWholeValue,
  percentileValue,
  presenceValue,
  rangeValue,
  textValue,
  wholeValue,
} from "./option-value.ts";

const unlimited = Number.MAX_SAFE_INTEGER;

type MeasuringField =
  | "modelName"
  | "modelVersion"
  | "serviceKind"
  | "modelSignatureName"
  | "verbosity"
  | "measurementMode"
  | "measurementIntervalMs"
  | "measurementRequestCount"
  | "stabilityPercentage"
  | "percentile"
  | "maxTrials"
  | "warmupRequestCount"
  | "requestCount"
  | "concurrencyRange"
  | "requestRateRange"
  | "requestDistribution"
  | "requestIntervals"
  | "latencyThresholdMs"
  | "isBinarySearch"
  | "maxThreads"
  | "randomSeed";

/** What is measured, how long, and under which load. */
export const measuringOptions: {
  readonly [F in MeasuringField]: OptionDefinition<AnalyzerOptions[F]>;
} = {
  modelName: {
    flag: "-m",
    aliases: ["--model-name"],
    group: "General",
    value: textValue("<name>"),
    doc: "The model to measure.",
    defaultValue: "",
    defaultText: "none, it must be given",
  },
  modelVersion: {
    flag: "-x",
    aliases: ["--model-version"],
    group: "General",
    value: textValue("<version>"),
    doc: "The version of the model.",
    defaultValue: "",
    defaultText: "the server's choice, usually the latest",
  },
  serviceKind: {
    flag: "--service-kind",
    group: "General",
    value: choiceValue<ServiceKind>(serviceKinds),
    doc:
      "The kind of server: `triton` is every server of the KServe v2 protocol; `in_process`, which may be written " +
      "`triton_c_api`, is this program itself, with the server inside and no network.",
    defaultValue: "triton",
  },
  modelSignatureName: {
    flag: "--model-signature-name",
    group: "General",
    value: textValue("<name>"),
    doc: "The signature of the model, for --service-kind=tfserving.",
    defaultValue: "serving_default",
  },
  verbosity: {
    flag: "-v",
    group: "General",
    value: countValue,
    doc: "Print each measurement window. Twice: also its requests, late sends and server counts.",
    defaultValue: 0,
    defaultText: "off",
  },
  measurementMode: {
    flag: "--measurement-mode",
    group: "Measurement",
    value: choiceValue<AnalyzerOptions["measurementMode"]>(["time_windows", "count_windows"]),
    doc: "Whether a window ends after a time or after a number of requests.",
    defaultValue: "time_windows",
  },
  measurementIntervalMs: {
    flag: "--measurement-interval",
    aliases: ["-p"],
    group: "Measurement",
    value: wholeValue(1, 3_600_000),
    doc: "Milliseconds of a time window; 1.2 times as much is measured. Raise it for slow models.",
    defaultValue: 5_000,
  },
  measurementRequestCount: {
    flag: "--measurement-request-count",
    group: "Measurement",
    value: wholeValue(1, unlimited),
    doc: "Requests that a count window takes at least.",
    defaultValue: 50,
  },
  stabilityPercentage: {
    flag: "--stability-percentage",
    aliases: ["-s"],
    group: "Measurement",
    value: decimalValue(0),
    doc: "How far the last three windows may differ, in percent, in throughput and in latency.",
    defaultValue: 10,
  },
  percentile: {
    flag: "--percentile",
    group: "Measurement",
    value: percentileValue,
    doc: "The percentile of latency that has to be stable and is compared with the threshold; -1 for the average.",
    defaultValue: null,
    defaultText: "-1",
  },
  maxTrials: {
    flag: "--max-trials",
    aliases: ["-r"],
    group: "Measurement",
    value: wholeValue(1, unlimited),
    doc: "Windows per load level before it counts as not stable.",
    defaultValue: 10,
  },
  warmupRequestCount: {
    flag: "--warmup-request-count",
    group: "Measurement",
    value: wholeValue(0, unlimited),
    doc: "Requests that are sent and not measured first. Needs a single load level.",
    defaultValue: 0,
  },
  requestCount: {
    flag: "--request-count",
    group: "Measurement",
    value: wholeValue(0, unlimited),
    doc: "Measure exactly so many requests in one window, without the rule of stability. Needs a single load level.",
    defaultValue: 0,
  },
  concurrencyRange: {
    flag: "--concurrency-range",
    group: "Load",
    value: rangeValue("integer"),
    doc: "Requests that are kept outstanding. An end of 0 goes on until the latency threshold is passed.",
    defaultValue: null,
    defaultText: "1:1:1",
  },
  requestRateRange: {
    flag: "--request-rate-range",
    group: "Load",
    value: rangeValue("number"),
    doc: "Requests that are sent per second, whether or not earlier ones are answered.",
    defaultValue: null,
    defaultText: "not set",
  },
  requestDistribution: {
    flag: "--request-distribution",
    group: "Load",
    value: choiceValue<AnalyzerOptions["requestDistribution"]>(["constant", "poisson"]),
    doc: "The gaps between requests at a rate: all alike, or as of independent users.",
    defaultValue: "constant",
  },
  requestIntervals: {
    flag: "--request-intervals",
    group: "Load",
    value: optionalTextValue("<file>"),
    doc: "A file of microseconds, one a line: the gaps between requests, repeated from its beginning.",
    defaultValue: null,
    defaultText: "none",
  },
  latencyThresholdMs: {
    flag: "--latency-threshold",
    aliases: ["-l"],
    group: "Load",
    value: decimalValue(0),
    doc: "Stop at the first level with a higher latency, in milliseconds; 0 for no limit.",
    defaultValue: 0,
  },
  isBinarySearch: {
    flag: "--binary-search",
    group: "Load",
    value: presenceValue(true),
    doc: "Look for the highest level within the latency threshold by halving the range.",
    defaultValue: false,
    defaultText: "off",
  },
  maxThreads: {
    flag: "--max-threads",
    group: "Load",
    value: optionalWholeValue(1, 1_024),
    doc:
      "Threads that make load. One keeps many requests outstanding, so it matters only where one core is not " +
      "enough; with --sync and a request rate it also bounds the outstanding requests.",
    defaultValue: null,
    defaultText: "16, or 4 with a request rate, but no more than half of the cores",
  },
  randomSeed: {
    flag: "--random-seed",
    group: "Load",
    value: wholeValue(0, 0xffff_ffff),
    doc: "Where random data, Poisson gaps and sequence lengths begin, so that a run can be repeated.",
    defaultValue: 0,
  },
};
