import type { AnalyzerOptions } from "./analyzer-options.ts";
import type { OptionDefinition } from "./option-definition.ts";
import { type OptionValue, presenceValue, rangeValue, ValueProblem, wholeValue } from "./option-value.ts";

const unlimited = Number.MAX_SAFE_INTEGER;

const sharedMemoryAllowed = "none or system";

const sharedMemoryValue: OptionValue<AnalyzerOptions["sharedMemory"]> = {
  placeholder: "<none|system>",
  allowed: sharedMemoryAllowed,
  read: (text) => {
    if (text === "none" || text === "system") return text;
    return text === "cuda"
      ? new ValueProblem("cannot be cuda: perf_analyzer does not allocate memory on GPUs. Use system")
      : ValueProblem.expected(sharedMemoryAllowed, text);
  },
};

type LoadModeField =
  | "periodicConcurrencyRange"
  | "requestPeriod"
  | "isFixedSchedule"
  | "isSerialSequences"
  | "isStreaming"
  | "sharedMemory"
  | "outputSharedMemoryBytes";

/** Load beside levels of concurrency and rate, and how its tensors travel. */
export const loadModeOptions: {
  readonly [F in LoadModeField]: OptionDefinition<AnalyzerOptions[F]>;
} = {
  periodicConcurrencyRange: {
    flag: "--periodic-concurrency-range",
    group: "Load",
    value: rangeValue("integer"),
    doc:
      "Send start requests, then step more whenever all of the last ones have had --request-period responses, until " +
      "end requests were sent in all. Each is sent once. Needs --streaming and --profile-export-file.",
    defaultValue: null,
    defaultText: "not set",
  },
  requestPeriod: {
    flag: "--request-period",
    group: "Load",
    value: wholeValue(1, unlimited),
    doc: "Responses that each request of --periodic-concurrency-range must have before more requests are sent.",
    defaultValue: 10,
  },
  isFixedSchedule: {
    flag: "--fixed-schedule",
    group: "Load",
    value: presenceValue(true),
    doc:
      "Send each entry of the JSON files of --input-data once, at its `timestamp`: milliseconds after the start, " +
      "beside the inputs.",
    defaultValue: false,
    defaultText: "off",
  },
  isSerialSequences: {
    flag: "--serial-sequences",
    group: "Sequences",
    value: presenceValue(true),
    doc:
      "Under a request rate with --streaming: send a sequence's next request only when the last one is answered, even " +
      "if it is due before. Without --streaming that is always so, as nothing would keep the requests in order.",
    defaultValue: false,
    defaultText: "off",
  },
  isStreaming: {
    flag: "--streaming",
    group: "Request",
    value: presenceValue(true),
    doc:
      "Send requests on gRPC streams (ModelStreamInfer), one stream for each request that is outstanding. Decoupled " +
      "models need it. With --service-kind=openai: ask for completions token by token.",
    defaultValue: false,
    defaultText: "off",
  },
  sharedMemory: {
    flag: "--shared-memory",
    group: "Input",
    value: sharedMemoryValue,
    doc:
      "Exchange tensors through POSIX shared memory instead of the network (`system`): for a server on the same machine " +
      "that allows it.",
    defaultValue: "none",
  },
  outputSharedMemoryBytes: {
    flag: "--output-shared-memory-size",
    group: "Input",
    value: wholeValue(1, unlimited),
    doc: "Bytes of shared memory for each row of an output whose size the model's configuration does not tell.",
    defaultValue: 102_400,
  },
};
