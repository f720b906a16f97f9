import { readFile } from "node:fs/promises";
import { threadParameter } from "../../tune/candidate-config.ts";
import type { TuneSubject } from "../../tune/tune-subject.ts";
import { StatusError } from "../core/status.ts";
import type { ModelConfig } from "../model-config/model-config.ts";
import type { FoundModel } from "../repository/scan/find-models.ts";
import type { OfflineLoader } from "./offline-loader.ts";

/** The backend whose instances get threads of their own inside an operator. */
const threadedBackend = "onnxruntime";

/**
 * Loads a model once, as it is served now, and says what of it can be tuned.
 *
 * @throws StatusError when it does not load, or nothing of it can be tuned.
 */
export async function loadTuneSubject(found: FoundModel, loader: OfflineLoader): Promise<TuneSubject> {
  const { draft } = await loader.look(found);
  const { ensembleScheduling } = draft.config;
  if (ensembleScheduling !== null) {
    const steps = [...new Set(ensembleScheduling.steps.map(({ modelName }) => modelName))];
    throw new StatusError(
      "UNSUPPORTED",
      `model '${found.name}' is an ensemble, which has no instances of its own: tune its models, ${steps.join(", ")}`,
    );
  }
  const { source, versions } = await loader.load(found);
  const newest = [...versions.keys()].sort((a, b) => Number(a) - Number(b)).at(-1) ?? "";
  const config = versions.get(newest)?.config;
  if (config === undefined) throw new Error("A model loaded without versions. This is a bug.");
  const plan = loader.loader.plan(source, draft.config, newest);
  const obstacles = obstaclesOf(config);
  const configFile = draft.source?.file ?? null;
  const instanceCount =
    obstacles.instanceCount === null ? (draft.config.instanceGroup[0]?.count ?? 1) : plan.inits.length;
  return {
    name: found.name,
    directory: found.directory,
    configFile,
    configText: configFile === null ? null : await readFile(configFile, "utf8"),
    fields: draft.fields,
    current: {
      instanceCount,
      threadCount: obstacles.threadCount === null ? plan.threadCount : null,
      maxBatchSize: config.maxBatchSize,
      queueDelayUs: config.dynamicBatching?.maxQueueDelayUs ?? null,
    },
    obstacles,
  };
}

function obstaclesOf(config: ModelConfig): TuneSubject["obstacles"] {
  const { backend, instanceGroup, maxBatchSize, sequenceBatching } = config;
  const groups = instanceGroup.filter(({ kind }) => kind !== "KIND_CPU").map(({ kind }) => kind);
  const noBatches = maxBatchSize === 0 ? 'the model does not batch, "max_batch_size" is 0' : null;
  return {
    instanceCount:
      instanceGroup.length > 1
        ? `the model has ${instanceGroup.length} instance groups, and which of them should grow is not known`
        : null,
    threadCount:
      backend !== threadedBackend
        ? `backend '${backend}' has no "${threadParameter}"`
        : groups.length > 0
          ? `instances of ${groups.join(", ")} do not compute in threads of the CPU`
          : null,
    maxBatchSize: noBatches,
    queueDelayUs:
      noBatches ?? (sequenceBatching === null ? null : "the model has a sequence batcher, not a dynamic one"),
  };
}
