import type { AnalyzerOptions } from "./analyzer-options.ts";

/** What of a command line does not fit the kind of server, or `null`. */
export function findServiceConflict(options: AnalyzerOptions): string | null {
  const kind = options.serviceKind;
  if (options.endpoint !== null && kind !== "openai") return "--endpoint needs --service-kind=openai";
  if (options.modelRepository !== null && !isEmbedded(options)) {
    return "--model-repository needs --service-kind=in_process";
  }
  if (options.modelSignatureName !== "serving_default" && kind !== "tfserving") {
    return "--model-signature-name needs --service-kind=tfserving";
  }
  if (kind === "triton") return null;
  const foreign = findKserveOption(options);
  if (foreign !== null)
    return `${foreign} does not go with --service-kind=${kind}: it is of the KServe protocol`;
  return isEmbedded(options) ? findEmbeddedConflict(options) : findRemoteConflict(options);
}

/** Whether the server is inside this program. */
export function isEmbedded({ serviceKind }: Pick<AnalyzerOptions, "serviceKind">): boolean {
  return serviceKind === "in_process" || serviceKind === "triton_c_api";
}

/** An option that only servers of the KServe protocol understand, or `null`. */
function findKserveOption(options: AnalyzerOptions): string | null {
  if (options.inputTensorFormat === "json") return "--input-tensor-format";
  if (options.outputTensorFormat === "json") return "--output-tensor-format";
  if (options.requestParameters.length > 0) return "--request-parameter";
  if (options.sharedMemory !== "none") return "--shared-memory";
  if (options.periodicConcurrencyRange !== null) return "--periodic-concurrency-range";
  if (options.collectsMetrics) return "--collect-metrics";
  if (options.traceLevels.length > 0) return "--trace-level";
  if (options.traceRate !== null) return "--trace-rate";
  if (options.traceCount !== null) return "--trace-count";
  if (options.traceLogFrequency !== null) return "--log-frequency";
  if (options.isStreaming && options.serviceKind !== "openai") return "--streaming";
  return options.blsComposingModels.length > 0 && !isEmbedded(options) ? "--bls-composing-models" : null;
}

function findEmbeddedConflict(options: AnalyzerOptions): string | null {
  const kind = options.serviceKind;
  if (options.modelRepository === null) {
    return `--service-kind=${kind} needs --model-repository: it embeds the server, which has to find the model`;
  }
  const unused =
    options.url !== null
      ? "-u"
      : options.headers.length > 0
        ? "-H"
        : options.protocol === "grpc"
          ? "-i grpc"
          : null;
  return unused === null ? null : `${unused} does not go with --service-kind=${kind}: there is no network`;
}

function findRemoteConflict(options: AnalyzerOptions): string | null {
  const kind = options.serviceKind;
  if (kind === "tfserving") return null;
  if (options.protocol === "grpc") return `--service-kind=${kind} needs -i http`;
  if (options.batchSize > 1) return `--service-kind=${kind} sends one item a request: give -b 1`;
  const [first = "random"] = options.inputData;
  if (kind === "torchserve") {
    return first === "random" || first === "zero"
      ? '--service-kind=torchserve needs JSON files of --input-data: {"data": [{"TORCHSERVE_INPUT": ["<path of a file>"]}]}'
      : null;
  }
  if (options.endpoint === null) {
    return "--service-kind=openai needs --endpoint, such as --endpoint v1/chat/completions";
  }
  return first === "zero"
    ? "--service-kind=openai sends prompts, not tensors: --input-data takes random or JSON files"
    : null;
}
