/**
 * What backends and schedulers of somebody else's are written against: `import … from "nereid/extension"`.
 *
 * @see docs/extensions.md
 */
export type {
  Backend,
  BackendModelSettings,
  BackendServerSettings,
  BatchInput,
  BatchOutputs,
  BatchSpec,
  ExecutionBatch,
  ModelInstance,
  ModelInstanceInit,
  ModelInstanceModule,
  ModelSignature,
  OutputPlace,
  StateSpec,
  TensorSignature,
  TensorSpec,
} from "../../backends/backend.ts";
export type {
  ExecutionRequest,
  RequestInstanceModule,
  RequestModelInstance,
} from "../../backends/request-execution.ts";
export type { SchedulerContext, SchedulerPlugin } from "../../schedulers/scheduler-plugin.ts";
export type { InstanceLane, InstancePool, Scheduler } from "../../schedulers/scheduler.ts";
export type { Clock, ClockTimer } from "../core/clock.ts";
export {
  type InferenceRequest,
  type RequestHolder,
  requestState,
  type ResponseSink,
} from "../core/inference-request.ts";
export { failure, type Failure, type Status, StatusError, type StatusCode } from "../core/status.ts";
export type { ModelConfig } from "../model-config/model-config.ts";
