/** What another Node program imports to embed the server without any listener. @see docs/embedding.md */
export type { DataPlane, ModelMetadata, ServerMetadata } from "./data-plane.ts";
export { isFailure } from "./data-plane.ts";
export {
  type CorrelationId,
  InferenceRequest,
  type InferenceRequestInit,
  type ParameterValue,
  type ResponseSink,
} from "./core/inference-request.ts";
export { InferenceResponse } from "./core/inference-response.ts";
export { type Failure, StatusError, type StatusCode } from "./core/status.ts";
export { Tensor } from "./core/tensor.ts";
export {
  InferenceServer,
  type InferenceServerOptions,
  type ServerExtension,
} from "./inference-server.ts";
export { stderrDestination } from "./logging/log-destination.ts";
export type { LogSettingsReport } from "./logging/log-setting.ts";
export { LogSettings } from "./logging/log-settings.ts";
export { Logger } from "./logging/logger.ts";
export { renderModelConfig } from "./model-config/render-config.ts";
export type { ModelLoadRequest } from "./repository/model-load-request.ts";
export type { ModelIndexRow } from "./repository/repository-index.ts";
export type { StatisticsReport } from "./statistics/statistics-report.ts";
export { parseOptions } from "./options/parse-options.ts";
