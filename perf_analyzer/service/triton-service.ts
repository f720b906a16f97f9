import { type GrpcRequestHeader, grpcInferTemplate } from "../client-backend/grpc/grpc-infer-template.ts";
import { GrpcServerClient, modelInferPath } from "../client-backend/grpc/grpc-server-client.ts";
import { httpInferTemplate } from "../client-backend/http/http-infer-template.ts";
import { HttpServerClient, modelPath } from "../client-backend/http/http-server-client.ts";
import { authorityOf, type Target, targetOf } from "../client-backend/target.ts";
import { loadInferData } from "../infer-data/load-infer-data.ts";
import type { RequestContent, RequestPlan } from "../infer-data/request-plan.ts";
import { LoadWorkerThread } from "../load-manager/load-thread.ts";
import type { AnalyzerOptions } from "../options/analyzer-options.ts";
import type { RequestPlaces, SharedLayout } from "../shared-memory/shared-layout.ts";
import type { Service } from "./service.ts";

/** Any server of the KServe v2 protocol. @throws PerfError when `-u` is not an address. */
export function tritonService(options: AnalyzerOptions): Service {
  const target = targetOf(options);
  return {
    client:
      options.protocol === "http"
        ? new HttpServerClient(target, options.headers)
        : new GrpcServerClient(target, options.headers),
    endpoint: authorityOf(target),
    maxThreadCount: null,
    loadData: (model) => loadInferData(options, model),
    clientPlan: (model, requests, keepsBodies, shared) => {
      const outputNames = model.outputs.map(({ name }) => name);
      const laneCount = shared === null ? 1 : shared.outputs.length;
      const common = { target, laneCount, keepsBodies };
      if (options.protocol === "http") {
        return {
          ...common,
          protocol: "http",
          head: httpHead(options, target),
          templates: eachRequest(requests, shared, ({ inputs }, places) =>
            httpInferTemplate(inputs, outputNames, {
              input: options.inputTensorFormat,
              output: options.outputTensorFormat,
              places,
            }),
          ),
        };
      }
      return {
        ...common,
        protocol: "grpc",
        path: modelInferPath,
        metadata: options.headers,
        compression: options.grpcCompression,
        isStreaming: options.isStreaming,
        isDecoupled: model.isDecoupled,
        protocolOfResponses: "kserve",
        templates: eachRequest(requests, shared, ({ inputs }, places) =>
          grpcInferTemplate(grpcHeader(options), inputs, outputNames, places),
        ),
      };
    },
    startThread: (plan) => new LoadWorkerThread(plan),
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
