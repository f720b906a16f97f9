import { readModelDescription, type ModelDescription } from "./client-backend/model-description.ts";
import { type ServerClient, ServerRefusal } from "./client-backend/server-client.ts";
import { PerfError } from "./exit-code.ts";
import type { AnalyzerOptions } from "./options/analyzer-options.ts";
import { isEmbedded } from "./options/service-checks.ts";
import { type StatisticsNode, statisticsNode } from "./server-statistics.ts";

/** The model under load. */
export interface MeasuredModel {
  readonly description: ModelDescription;
  /** Whose statistics are read. */
  readonly statistics: StatisticsNode;
}

/**
 * Asks the server about the model.
 *
 * @throws PerfError when it is not there, or cannot be measured by this release.
 */
export async function measuredModel(client: ServerClient, options: AnalyzerOptions): Promise<MeasuredModel> {
  const { modelName, modelVersion } = options;
  const title = `Model "${modelName}"${modelVersion === "" ? "" : `, version ${modelVersion},`}`;
  const metadata = await client.modelMetadata(modelName, modelVersion).catch((thrown: unknown) => {
    if (!(thrown instanceof ServerRefusal)) throw thrown;
    throw new PerfError(`${title} cannot be measured: ${thrown.message}`);
  });
  if (!(await client.isModelReady(modelName, modelVersion))) {
    throw new PerfError(`${title} is not ready: load it, and look into the server's log for the reason`);
  }
  const config = await client.modelConfig(modelName, modelVersion).catch((thrown: unknown) => {
    if (thrown instanceof ServerRefusal && thrown.isUnsupported) return null;
    throw thrown;
  });
  const description = readModelDescription(metadata, config);
  if (description.isDecoupled && !options.isStreaming && !isEmbedded(options)) {
    throw new PerfError(`${title} is decoupled: give -i grpc --streaming`);
  }
  const { composing } = description;
  const called = options.blsComposingModels;
  if (composing.length > 0 && called.length > 0) {
    throw new PerfError(`${title} is an ensemble, whose steps are known: leave --bls-composing-models out`);
  }
  const node = { name: modelName, version: modelVersion };
  const statistics = await statisticsNode(client, node, composing, called).catch((thrown: unknown) => {
    if (thrown instanceof ServerRefusal && called.length > 0) {
      throw new PerfError(`--bls-composing-models: ${thrown.message}`);
    }
    throw thrown;
  });
  return { description, statistics };
}
