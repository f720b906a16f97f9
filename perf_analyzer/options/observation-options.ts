import type { AnalyzerOptions, ComposingModelOption, TraceLevel } from "./analyzer-options.ts";
import type { OptionDefinition } from "./option-definition.ts";
import {
  listValue,
  optionalTextValue,
  type OptionValue,
  optionalWholeValue,
  presenceValue,
  ValueProblem,
  wholeValue,
} from "./option-value.ts";

const unlimited = Number.MAX_SAFE_INTEGER;

const modelsAllowed = "<model>[:<version>], separated by commas";

const composingModelsValue: OptionValue<readonly ComposingModelOption[]> = {
  placeholder: "<model[:version],...>",
  allowed: modelsAllowed,
  read: (text) => {
    const models = text.split(",").map((each) => /^([^:,]+)(?::(\d+))?$/.exec(each.trim()));
    if (models.includes(null)) return ValueProblem.expected(modelsAllowed, text);
    return models.map((match) => ({ name: match?.[1] ?? "", version: match?.[2] ?? "" }));
  },
};

const traceCountValue: OptionValue<number | null> = {
  placeholder: "<int>",
  allowed: "-1 for no limit, or an integer of at least 0",
  read: (text) => {
    if (text === "-1") return -1;
    return optionalWholeValue(0, unlimited).read(text, null);
  },
};

type ObservationField =
  | "blsComposingModels"
  | "collectsMetrics"
  | "metricsUrl"
  | "metricsIntervalMs"
  | "traceLevels"
  | "traceRate"
  | "traceCount"
  | "traceLogFrequency";

/** What is watched on the server beside the load. */
export const observationOptions: {
  readonly [F in ObservationField]: OptionDefinition<AnalyzerOptions[F]>;
} = {
  blsComposingModels: {
    flag: "--bls-composing-models",
    group: "General",
    value: composingModelsValue,
    doc: "Models that the measured one calls by itself: their statistics are reported too.",
    defaultValue: [],
    defaultText: "none",
  },
  collectsMetrics: {
    flag: "--collect-metrics",
    group: "Metrics",
    value: presenceValue(true),
    doc: "Read the server's /metrics while it measures: use of processors, GPUs and memory, and pending requests.",
    defaultValue: false,
    defaultText: "off",
  },
  metricsUrl: {
    flag: "--metrics-url",
    group: "Metrics",
    value: optionalTextValue("<url>"),
    doc: "Where --collect-metrics reads.",
    defaultValue: null,
    defaultText: "port 8002 of the host of -u, /metrics",
  },
  metricsIntervalMs: {
    flag: "--metrics-interval",
    group: "Metrics",
    value: wholeValue(1, 3_600_000),
    doc: "Milliseconds from one reading of the metrics to the next.",
    defaultValue: 1_000,
  },
  traceLevels: {
    flag: "--trace-level",
    group: "Trace",
    value: listValue("<OFF|TIMESTAMPS|TENSORS>", "OFF, TIMESTAMPS or TENSORS", (text) =>
      (["OFF", "TIMESTAMPS", "TENSORS"] as const).find((level): level is TraceLevel => level === text),
    ),
    doc: "Have the server trace the model's requests; the setting stays after the run. Repeatable.",
    defaultValue: [],
    defaultText: "the server's settings are left alone",
  },
  traceRate: {
    flag: "--trace-rate",
    group: "Trace",
    value: optionalWholeValue(1, 0xffff_ffff),
    doc: "Trace each so many-th request.",
    defaultValue: null,
    defaultText: "1000 when any other trace option is given",
  },
  traceCount: {
    flag: "--trace-count",
    group: "Trace",
    value: traceCountValue,
    doc: "Requests that are traced in all; -1 for no limit.",
    defaultValue: null,
    defaultText: "-1 when any other trace option is given",
  },
  traceLogFrequency: {
    flag: "--log-frequency",
    group: "Trace",
    value: optionalWholeValue(0, 0xffff_ffff),
    doc: "Traces of each file that the server writes; 0 for one file at its end.",
    defaultValue: null,
    defaultText: "0 when any other trace option is given",
  },
};
