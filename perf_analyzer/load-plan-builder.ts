import { type GrpcRequestHeader, grpcInferTemplate } from "./client-backend/grpc/grpc-infer-template.ts";
import { httpInferTemplate } from "./client-backend/http/http-infer-template.ts";
import { modelPath } from "./client-backend/http/http-server-client.ts";
import type { ModelDescription } from "./client-backend/model-description.ts";
import { authorityOf, type Target } from "./client-backend/target.ts";
import type { RequestContent, RequestPlan } from "./infer-data/request-plan.ts";
import type { LoadPlan } from "./load-manager/load-plan.ts";
import type { AnalyzerOptions } from "./options/analyzer-options.ts";
import type { RequestPlaces, SharedLayout } from "./shared-memory/shared-layout.ts";

/** Whether anybody looks at the responses' tensors. */
export function readsOutputs(options: AnalyzerOptions, plan: RequestPlan): boolean {
  return options.profileExportFile !== null || plan.contents.some(({ expected }) => expected !== null);
}

/**
 * Encodes all requests of a run.
 *
 * @param shared - Where tensors lie; `null`: in the requests and responses.
 * @throws PerfError for tensors that the format cannot carry.
 */
export function buildLoadPlan(
  options: AnalyzerOptions,
  model: ModelDescription,
  plan: RequestPlan,
  target: Target,
  shared: SharedLayout | null,
): LoadPlan {
  const keepsBodies = readsOutputs(options, plan);
  const outputNames = model.outputs.map(({ name }) => name);
  const laneCount = shared === null ? 1 : shared.outputs.length;
  const common = { target, laneCount, keepsBodies };
  return {
    client:
      options.protocol === "http"
        ? {
            ...common,
            protocol: "http",
            head: httpHead(options, target),
            templates: eachRequest(plan, shared, ({ inputs }, places) =>
              httpInferTemplate(inputs, outputNames, {
                input: options.inputTensorFormat,
                output: options.outputTensorFormat,
                places,
              }),
            ),
          }
        : {
            ...common,
            protocol: "grpc",
            metadata: options.headers,
            compression: options.grpcCompression,
            isStreaming: options.isStreaming,
            isDecoupled: model.isDecoupled,
            templates: eachRequest(plan, shared, ({ inputs }, places) =>
              grpcInferTemplate(grpcHeader(options), inputs, outputNames, places),
            ),
          },
    streams: plan.streams,
    sequences: model.hasSequenceBatching
      ? {
          length: options.sequenceLength,
          lengthVariation: options.sequenceLengthVariation,
          firstId: options.sequenceIdRange.start,
          endId: options.sequenceIdRange.end,
          seed: options.randomSeed,
        }
      : null,
    expected: plan.contents.map(({ expected }) => expected),
    sharedOutputs:
      shared === null || !keepsBodies ? null : { region: shared.output, outputNames, lanes: shared.outputs },
    exportsOutputs: options.profileExportFile !== null,
  };
}

/** One for each lane of each content, those of a content together. */
function eachRequest<T>(
  plan: RequestPlan,
  shared: SharedLayout | null,
  encode: (content: RequestContent, places: RequestPlaces | null) => T,
): readonly T[] {
  return plan.contents.flatMap((content, c) =>
    shared === null
      ? [encode(content, null)]
      : shared.outputs.map((outputs) => encode(content, { inputs: shared.inputs[c] ?? [], outputs })),
  );
}

function grpcHeader({ modelName, modelVersion, requestParameters }: AnalyzerOptions): GrpcRequestHeader {
  return { modelName, modelVersion, parameters: requestParameters };
}

function httpHead(options: AnalyzerOptions, target: Target): string {
  const path = modelPath(target.pathPrefix, options.modelName, options.modelVersion);
  const contentType = options.inputTensorFormat === "json" ? "application/json" : "application/octet-stream";
  const headers = options.headers.map(({ name, value }) => `${name}: ${value}\r\n`).join("");
  return `POST ${path}/infer HTTP/1.1\r\nHost: ${authorityOf(target)}\r\nContent-Type: ${contentType}\r\n${headers}`;
}
