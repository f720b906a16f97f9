import { InProcessClient } from "../client-backend/in-process/in-process-client.ts";
import { PerfError } from "../exit-code.ts";
import { loadInferData } from "../infer-data/load-infer-data.ts";
import type { AnalyzerOptions } from "../options/analyzer-options.ts";
import type { Service } from "./service.ts";

/** The server inside this program. @throws PerfError without a repository. */
export function inProcessService(options: AnalyzerOptions): Service {
  const { modelName, modelVersion, modelRepository } = options;
  if (modelRepository === null) throw new PerfError("--model-repository is missing");
  const client = new InProcessClient(modelRepository, modelName);
  return {
    client,
    endpoint: modelRepository,
    // The server's own thread makes the load.
    maxThreadCount: 1,
    loadData: (model) => loadInferData(options, model),
    clientPlan: (model, { contents }, keepsBodies) => ({
      protocol: "in process",
      modelName,
      modelVersion,
      requests: contents.map(({ inputs }) => inputs),
      outputNames: model.outputs.map(({ name }) => name),
      laneCount: 1,
      keepsBodies,
    }),
    startThread: (plan) => client.startThread(plan),
  };
}
