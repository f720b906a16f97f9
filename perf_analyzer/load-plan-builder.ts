import type { ModelDescription } from "./client-backend/model-description.ts";
import type { RequestPlan } from "./infer-data/request-plan.ts";
import type { LoadPlan } from "./load-manager/load-plan.ts";
import type { AnalyzerOptions } from "./options/analyzer-options.ts";
import type { Service } from "./service/service.ts";

/** Encodes all requests of a run. @throws PerfError for tensors that the format cannot carry. */
export function buildLoadPlan(
  options: AnalyzerOptions,
  model: ModelDescription,
  plan: RequestPlan,
  service: Service,
): LoadPlan {
  const exportsOutputs = options.profileExportFile !== null;
  const keepsBodies = exportsOutputs || plan.contents.some(({ expected }) => expected !== null);
  return {
    client: service.clientPlan(model, plan, keepsBodies),
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
