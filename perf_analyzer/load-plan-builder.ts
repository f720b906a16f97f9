import type { ModelDescription } from "./client-backend/model-description.ts";
import type { RequestPlan } from "./infer-data/request-plan.ts";
import type { LoadPlan } from "./load-manager/load-plan.ts";
import type { AnalyzerOptions } from "./options/analyzer-options.ts";
import type { Service } from "./service/service.ts";
import type { SharedLayout } from "./shared-memory/shared-layout.ts";

/** Whether anybody looks at the responses' tensors. */
export function readsOutputs(options: AnalyzerOptions, plan: RequestPlan): boolean {
  return options.profileExportFile !== null || plan.contents.some(({ expected }) => expected !== null);
}

/**
 * Encodes all requests of a run.
 *
 * @param shared - Where tensors lie; `null`: in the requests and responses.
 * @throws PerfError for tensors that the format cannot carry.
 */
export function buildLoadPlan(
  options: AnalyzerOptions,
  model: ModelDescription,
  plan: RequestPlan,
  service: Service,
  shared: SharedLayout | null,
): LoadPlan {
  const keepsBodies = readsOutputs(options, plan);
  const outputNames = model.outputs.map(({ name }) => name);
  return {
    client: service.clientPlan(model, plan, keepsBodies, shared),
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
    sharedOutputs:
      shared === null || !keepsBodies ? null : { region: shared.output, outputNames, lanes: shared.outputs },
    exportsOutputs: options.profileExportFile !== null,
  };
}
