import type { Backend, ModelInstanceInit } from "../../backends/backend.ts";
import type { HostedInstance } from "../../backends/worker/hosted-instance.ts";
import { WorkerModelInstance } from "../../backends/worker/worker-model-instance.ts";
import { WorkerRequestInstance } from "../../backends/worker/worker-request-instance.ts";
import { callerOf } from "./model-call.ts";
import type { ModelLoaderParts } from "./model-loader-parts.ts";

/** What an instance may do with the server. */
export type InstanceStartParts = Pick<ModelLoaderParts, "findModel" | "logger">;

/** Starts an instance in a worker of its own, which begins to load its model at once. */
export function startInstance(
  { executionStyle, instanceModuleUrl }: Backend,
  init: ModelInstanceInit,
  { findModel, logger }: InstanceStartParts,
): HostedInstance {
  if (executionStyle === "batch") return new WorkerModelInstance(instanceModuleUrl, init);
  const log = logger.child(init.modelName);
  return new WorkerRequestInstance(instanceModuleUrl, init, {
    callModel: callerOf((name, version) => findModel(name, version, null)),
    log: (severity, instanceName, message) => {
      const line = `${instanceName}: ${message}`;
      if (severity === "verbose") log.verbose(1, line);
      else log[severity](line);
    },
  });
}
