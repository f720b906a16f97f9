import { encodePost } from "../client-backend/http/http-body-client.ts";
import { HttpServerClient } from "../client-backend/http/http-server-client.ts";
import { authorityOf, targetOf } from "../client-backend/target.ts";
import {
  GrpcSignatureReader,
  modelSpec,
  predictPath,
} from "../client-backend/tfserving/grpc-signature-reader.ts";
import { encodePredictJson } from "../client-backend/tfserving/predict-json.ts";
import { encodePredictMessage } from "../client-backend/tfserving/predict-messages.ts";
import { RestSignatureReader, restModelPath } from "../client-backend/tfserving/rest-signature-reader.ts";
import { tensorFields } from "../client-backend/tfserving/tensor-message.ts";
import { TfservingServerClient } from "../client-backend/tfserving/tfserving-server-client.ts";
import { loadInferData } from "../infer-data/load-infer-data.ts";
import { LoadWorkerThread } from "../load-manager/load-thread.ts";
import type { AnalyzerOptions } from "../options/analyzer-options.ts";
import { headerLines } from "./header-lines.ts";
import type { Service } from "./service.ts";

/** TensorFlow Serving: predict over REST or gRPC. @throws PerfError when `-u` is not an address. */
export function tfservingService(options: AnalyzerOptions): Service {
  const target = targetOf(options);
  const { modelName, modelVersion, modelSignatureName: signatureName } = options;
  const reader =
    options.protocol === "http"
      ? new RestSignatureReader(new HttpServerClient(target, options.headers), target.pathPrefix)
      : new GrpcSignatureReader(target, options.headers);
  const shapes = new Map(options.shapes.map(({ name, dims }) => [name, dims]));
  return {
    client: new TfservingServerClient(reader, { signatureName, shapes }),
    endpoint: authorityOf(target),
    maxThreadCount: null,
    loadData: (model) => loadInferData(options, model),
    clientPlan: (model, { contents }, keepsBodies) => {
      if (options.protocol === "http") {
        const path = `${restModelPath(target.pathPrefix, modelName, modelVersion)}:predict`;
        const headers = headerLines(target, "application/json", options.headers);
        const outputs = model.outputs.map(({ name, datatype }) => ({ name, datatype }));
        return {
          protocol: "http body",
          target,
          requests: contents.map(({ inputs }) =>
            encodePost(path, headers, encodePredictJson(signatureName, inputs)),
          ),
          format: { kind: "predict", outputs },
          laneCount: 1,
          keepsBodies,
        };
      }
      const model_spec = { ...modelSpec(modelName, modelVersion), signature_name: signatureName };
      return {
        protocol: "grpc",
        target,
        path: predictPath,
        metadata: options.headers,
        compression: options.grpcCompression,
        templates: contents.map(({ inputs }) =>
          encodePredictMessage("PredictRequest", {
            model_spec,
            inputs: Object.fromEntries(inputs.map((input) => [input.name, tensorFields(input)])),
          }),
        ),
        protocolOfResponses: "tfserving",
        laneCount: 1,
        isStreaming: false,
        isDecoupled: false,
        keepsBodies,
      };
    },
    startThread: (plan) => new LoadWorkerThread(plan),
  };
}
