import type { ComposingModel, EnsembleSketch } from "../../schedulers/ensemble/composing-model.ts";
import { type EnsemblePlan, planEnsemble } from "../../schedulers/ensemble/ensemble-plan.ts";
import { EnsembleScheduler } from "../../schedulers/ensemble/ensemble-scheduler.ts";
import { type Failure, StatusError } from "../core/status.ts";
import type { EnsembleScheduling, ModelConfig, ModelTensorConfig } from "../model-config/model-config.ts";
import { withBatchDim } from "../model-config/model-config.ts";
import { type Labels, readLabels } from "./label-provider.ts";
import { Model } from "./model.ts";
import { noInstances } from "./model-instances.ts";
import { newStatistics, type StatisticsParts } from "./new-statistics.ts";
import { type ResponseCachingParts, withResponseCache } from "./response-caching.ts";
import type { LoadedVersions } from "./loaded-model.ts";
import type { ModelSource } from "./model-source.ts";

/** What loading an ensemble needs of the server. */
export interface EnsembleLoaderParts extends ResponseCachingParts, StatisticsParts {
  /** Finds a ready model. @param version - "" for the highest ready version. */
  readonly findModel: (name: string, version: string) => Model | Failure;
}

/**
 * Brings the versions of an ensemble up. They have no files: each is the same config under another number.
 *
 * @throws StatusError INVALID_ARG when a model is missing or does not fit, with one problem per line.
 * @see contract §5.5, §6.7
 */
export async function loadEnsemble(
  parts: EnsembleLoaderParts,
  source: ModelSource,
  config: ModelConfig,
): Promise<LoadedVersions> {
  const scheduling = config.ensembleScheduling;
  if (scheduling === null) throw new Error("This model is no ensemble. This is a bug.");
  const startUs = parts.clock.nowUs();
  const selected = source.selectVersions(config);
  for (const version of selected) source.onLoading(String(version));
  const models = findStepModels(parts, config.name, scheduling);
  const sketch = sketchOf(config, scheduling);
  const plan = planOrThrow(sketch, models);
  if (plan.isDecoupled && config.isResponseCacheEnabled) {
    throw new StatusError(
      "INVALID_ARG",
      `ensemble '${config.name}': "response_cache.enable" cannot be combined with a decoupled step: a request then has any number of responses`,
    );
  }
  const labels = await labelsOf(source.directory, config, plan, models);
  const loaded = new Map<string, Model>();
  for (const number of selected) {
    const version = String(number);
    const statistics = newStatistics(config, parts);
    const scheduler = new EnsembleScheduler({
      name: config.name,
      version,
      maxBatchSize: config.maxBatchSize,
      plan,
      outputs: sketch.outputs,
      findModel: parts.findModel,
      maxInflightRequests: scheduling.maxInflightRequests,
      clock: parts.clock,
      observer: {
        onDispatch: (count) => statistics.onDispatch(count),
        onExecution: (rows, request) => statistics.onExecution(rows, request),
        onMissingOutput: (name) =>
          parts.logger.warning(
            `Composing models did not output tensor '${name}' of ensemble '${config.name}'`,
          ),
      },
    });
    const model = new Model({
      config,
      version,
      engine: null,
      isDecoupled: plan.isDecoupled,
      statistics,
      pool: noInstances,
      scheduler: withResponseCache(() => scheduler, { config, version, statistics }, parts),
      clock: parts.clock,
      checkBytesInput: null,
      labels,
      loadDurationSecs: (parts.clock.nowUs() - startUs) / 1e6,
    });
    loaded.set(version, model);
  }
  return loaded;
}

function findStepModels(
  parts: EnsembleLoaderParts,
  ensemble: string,
  { steps }: EnsembleScheduling,
): readonly Model[] {
  const problems: string[] = [];
  const models = steps.flatMap(({ modelName, modelVersion }) => {
    const found = parts.findModel(modelName, modelVersion < 0 ? "" : String(modelVersion));
    if (!("message" in found)) return [found];
    const what =
      modelVersion < 0 ? "which has no loaded version" : `whose version ${modelVersion} is not loaded`;
    problems.push(`ensemble '${ensemble}' depends on '${modelName}' ${what}: ${found.message}`);
    return [];
  });
  if (problems.length > 0) {
    throw new StatusError(
      "INVALID_ARG",
      `ensemble '${ensemble}' contains models that are not available or ambiguous: ${problems.join("\n")}`,
    );
  }
  return models;
}

function planOrThrow(sketch: EnsembleSketch, models: readonly ComposingModel[]): EnsemblePlan {
  const problems: string[] = [];
  const plan = planEnsemble(sketch, models, problems);
  if (problems.length === 0) return plan;
  throw new StatusError(
    "INVALID_ARG",
    problems.map((problem) => `ensemble '${sketch.name}': ${problem}`).join("\n"),
  );
}

function sketchOf(config: ModelConfig, { steps }: EnsembleScheduling): EnsembleSketch {
  const { name, maxBatchSize } = config;
  const tensor = (wire: ModelTensorConfig, isOptional: boolean): EnsembleSketch["inputs"][number] => ({
    name: wire.name,
    datatype: wire.datatype,
    shape: withBatchDim(wire.dims, maxBatchSize),
    isOptional,
  });
  return {
    name,
    maxBatchSize,
    inputs: config.input.map((input) => tensor(input, input.isOptional)),
    outputs: config.output.map((output) => tensor(output, false)),
    steps,
  };
}

/** The ensemble's own labels, else those of the model that the output comes from. */
async function labelsOf(
  directory: string,
  config: ModelConfig,
  plan: EnsemblePlan,
  models: readonly Model[],
): Promise<Labels> {
  const labels = new Map(await readLabels(directory, config.output));
  for (const { name, tensor } of plan.outputs) {
    const step = plan.steps[plan.tensors[tensor]?.producer ?? -1];
    if (step === undefined || labels.has(name)) continue;
    const source = step.outputs.find((output) => output.tensor === tensor)?.name ?? "";
    const inherited = models[step.index]?.labelsOf(source) ?? [];
    if (inherited.length > 0) labels.set(name, inherited);
  }
  return labels;
}
