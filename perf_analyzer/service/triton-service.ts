import { grpcInferTemplate } from "../client-backend/grpc/grpc-infer-template.ts";
import { GrpcServerClient, modelInferPath } from "../client-backend/grpc/grpc-server-client.ts";
import { httpInferTemplate } from "../client-backend/http/http-infer-template.ts";
import { HttpServerClient, modelPath } from "../client-backend/http/http-server-client.ts";
import { authorityOf, type Target, targetOf } from "../client-backend/target.ts";
import { loadInferData } from "../infer-data/load-infer-data.ts";
import { LoadWorkerThread } from "../load-manager/load-thread.ts";
import type { AnalyzerOptions } from "../options/analyzer-options.ts";
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
    clientPlan: (model, { contents }, keepsBodies) => {
      const outputNames = model.outputs.map(({ name }) => name);
      if (options.protocol === "http") {
        const formats = { input: options.inputTensorFormat, output: options.outputTensorFormat };
        return {
          protocol: "http",
          target,
          head: httpHead(options, target),
          templates: contents.map(({ inputs }) => httpInferTemplate(inputs, outputNames, formats)),
          keepsBodies,
        };
      }
      const header = {
        modelName: options.modelName,
        modelVersion: options.modelVersion,
        parameters: options.requestParameters,
      };
      return {
        protocol: "grpc",
        target,
        path: modelInferPath,
        metadata: options.headers,
        compression: options.grpcCompression,
        templates: contents.map(({ inputs }) => grpcInferTemplate(header, inputs, outputNames)),
        protocolOfResponses: "kserve",
        keepsBodies,
      };
    },
    startThread: (plan) => new LoadWorkerThread(plan),
  };
}

function httpHead(options: AnalyzerOptions, target: Target): string {
  const path = modelPath(target.pathPrefix, options.modelName, options.modelVersion);
  const contentType = options.inputTensorFormat === "json" ? "application/json" : "application/octet-stream";
  const headers = options.headers.map(({ name, value }) => `${name}: ${value}\r\n`).join("");
  return `POST ${path}/infer HTTP/1.1\r\nHost: ${authorityOf(target)}\r\nContent-Type: ${contentType}\r\n${headers}`;
}
