import type { InstanceServer } from "../../backends/server-access.ts";
import { type Failure, failure } from "../core/status.ts";
import type { ServedModel } from "./served-model.ts";

const decoupledCall = failure(
  "UNSUPPORTED",
  "infer() gives one response, and this model is decoupled: use inferStream()",
);

/**
 * How models call other models: like any request, validated, scheduled and counted by the model that is called. Calls of
 * requests that were accepted are served while the server stops, too.
 *
 * @param findModel - Finds a ready model, whatever state the server is in.
 */
export function callerOf(
  findModel: (name: string, version: string) => ServedModel | Failure,
): InstanceServer["callModel"] {
  return (name, version, request, isDecoupled) => {
    const model = findModel(name, version);
    if ("code" in model) return model;
    if (model.isDecoupled && !isDecoupled) return decoupledCall;
    return model.infer(request);
  };
}
