import { grpcInferTemplate } from "./client-backend/grpc/grpc-infer-template.ts";
import { modelInferPath } from "./client-backend/grpc/grpc-server-client.ts";
import { httpInferTemplate } from "./client-backend/http/http-infer-template.ts";
import { modelPath } from "./client-backend/http/http-server-client.ts";
import type { ModelDescription } from "./client-backend/model-description.ts";
import { authorityOf, type Target } from "./client-backend/target.ts";
import type { RequestPlan } from "./infer-data/request-plan.ts";
import type { LoadPlan } from "./load-manager/load-plan.ts";
import type { AnalyzerOptions } from "./options/analyzer-options.ts";

/** Encodes all requests of a run. @throws PerfError for tensors that the format cannot carry. */
export function buildLoadPlan(
  options: AnalyzerOptions,
  model: ModelDescription,
  plan: RequestPlan,
  target: Target,
): LoadPlan {
  const exportsOutputs = options.profileExportFile !== null;
  const keepsBodies = exportsOutputs || plan.contents.some(({ expected }) => expected !== null);
  const outputNames = model.outputs.map(({ name }) => name);
  return {
    client:
      options.protocol === "http"
        ? {
            protocol: "http",
            target,
            head: httpHead(options, target),
            templates: plan.contents.map(({ inputs }) =>
              httpInferTemplate(inputs, outputNames, {
                input: options.inputTensorFormat,
                output: options.outputTensorFormat,
              }),
            ),
            keepsBodies,
          }
        : {
            protocol: "grpc",
            target,
            path: modelInferPath,
            metadata: options.headers,
            compression: options.grpcCompression,
            templates: plan.contents.map(({ inputs }) =>
              grpcInferTemplate(
                {
                  modelName: options.modelName,
                  modelVersion: options.modelVersion,
                  parameters: options.requestParameters,
                },
                inputs,
                outputNames,
              ),
            ),
            keepsBodies,
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
    exportsOutputs,
  };
}

function httpHead(options: AnalyzerOptions, target: Target): string {
  const path = modelPath(target.pathPrefix, options.modelName, options.modelVersion);
  const contentType = options.inputTensorFormat === "json" ? "application/json" : "application/octet-stream";
  const headers = options.headers.map(({ name, value }) => `${name}: ${value}\r\n`).join("");
  return `POST ${path}/infer HTTP/1.1\r\nHost: ${authorityOf(target)}\r\nContent-Type: ${contentType}\r\n${headers}`;
}
