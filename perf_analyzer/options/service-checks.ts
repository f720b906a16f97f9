import type { AnalyzerOptions } from "./analyzer-options.ts";

/** What of a command line does not fit the kind of server, or `null`. */
export function findServiceConflict(options: AnalyzerOptions): string | null {
  const kind = options.serviceKind;
  const isEmbedded = kind === "in_process" || kind === "triton_c_api";
  if (options.endpoint !== null && kind !== "openai") return "--endpoint needs --service-kind=openai";
  if (options.modelRepository !== null && !isEmbedded) return "--model-repository needs --service-kind=in_process";
  if (options.modelSignatureName !== "serving_default" && kind !== "tfserving") {
    return "--model-signature-name needs --service-kind=tfserving";
  }
  if (options.isStreaming && kind !== "openai") return "--streaming needs --service-kind=openai: gRPC streams are not supported yet";
  if (kind === "triton") return null;
  if (options.inputTensorFormat === "json" || options.outputTensorFormat === "json") {
    return "--input-tensor-format and --output-tensor-format need --service-kind=triton";
  }
  if (options.requestParameters.length > 0) return "--request-parameter needs --service-kind=triton";
  return isEmbedded ? findEmbeddedConflict(options) : findRemoteConflict(options);
}

function findEmbeddedConflict(options: AnalyzerOptions): string | null {
  const kind = options.serviceKind;
  if (options.modelRepository === null) {
    return `--service-kind=${kind} needs --model-repository: it embeds the server, which has to find the model`;
  }
  const unused =
    options.url !== null ? "-u" : options.headers.length > 0 ? "-H" : options.protocol === "grpc" ? "-i grpc" : null;
  return unused === null ? null : `${unused} does not go with --service-kind=${kind}: there is no network`;
}

function findRemoteConflict(options: AnalyzerOptions): string | null {
  const kind = options.serviceKind;
  if (kind === "tfserving") return null;
  if (options.protocol === "grpc") return `--service-kind=${kind} needs -i http`;
  if (options.batchSize > 1) return `--service-kind=${kind} sends one item a request: give -b 1`;
  const [first = "random"] = options.inputData;
  const isGenerated = first === "random" || first === "zero";
  if (kind === "torchserve" && isGenerated) {
    return '--service-kind=torchserve needs JSON files of --input-data: {"data": [{"TORCHSERVE_INPUT": ["<path of a file>"]}]}';
  }
  if (kind === "openai") {
    if (options.endpoint === null) {
      return "--service-kind=openai needs --endpoint, such as --endpoint v1/chat/completions";
    }
    if (first === "zero") return "--service-kind=openai has prompts, not tensors: --input-data takes random or JSON files";
  }
  return null;
}
