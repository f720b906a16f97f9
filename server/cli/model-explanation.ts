import path from "node:path";
import { AdvisedError } from "../core/advised-error.ts";
import { StatusError } from "../core/status.ts";
import { nearest } from "../core/edit-distance.ts";
import type { ModelConfigDraft } from "../model-config/complete-config.ts";
import type { ModelConfig } from "../model-config/model-config.ts";
import { renderModelConfig } from "../model-config/render-config.ts";
import type { InstancePlan } from "../model/instance-plan.ts";
import { settingsForBackend } from "../options/backend-config.ts";
import type { ServerOptions } from "../options/server-options.ts";
import { StepReader } from "../repository/ensemble-dependencies.ts";
import { duplicateReason } from "../repository/repository-index.ts";
import { listModelNames } from "../repository/model-names.ts";
import { RepositoryScanner } from "../repository/repository-scanner.ts";
import type { FoundModel } from "../repository/scan/find-models.ts";
import type { Model } from "../model/model.ts";
import type { LoadOptions, OfflineLoader, OfflineModel } from "./offline-loader.ts";
import { type ExplainedValue, explainValues } from "./value-origin.ts";

/** The options that an explanation depends on. */
export type ExplainOptions = LoadOptions & Pick<ServerOptions, "modelRepositoryPaths">;

/** How a model is served, and why so. */
export interface ModelExplanation {
  readonly name: string;
  readonly directory: string;
  /** The config file, or `null` when there is none. */
  readonly file: string | null;
  /** The versions that are served, ascending. */
  readonly versions: readonly string[];
  /** Of the newest version that is served. */
  readonly values: readonly ExplainedValue[];
  /** Of the newest version that is served; `null` for an ensemble, which has no instances of its own. */
  readonly plan: ExplainedPlan | null;
  /** What the server would say and go on, a sentence each. */
  readonly warnings: readonly string[];
}

/** The instances of one version, and why there are so many with so many threads. */
export interface ExplainedPlan
  extends Pick<InstancePlan, "engine" | "inits" | "threadCount" | "threadReason"> {
  readonly coreCount: number;
  /** One sentence for each instance group. */
  readonly groups: readonly string[];
}

/**
 * Finds a model by its name.
 *
 * @throws StatusError NOT_FOUND when no repository has it, INVALID_ARG when several have, and what the scan throws.
 */
export async function findModelToExplain(
  name: string,
  { modelRepositoryPaths }: ExplainOptions,
): Promise<FoundModel> {
  const [found, ...more] = await new RepositoryScanner(modelRepositoryPaths).find(name);
  if (found === undefined) {
    throw unknownModel(
      name,
      (await listModelNames(modelRepositoryPaths)).map((each) => each.name),
    );
  }
  if (more.length > 0) {
    const directories = [found, ...more].map(({ directory }) => `'${directory}'`).join(", ");
    throw new StatusError("INVALID_ARG", `${duplicateReason}: ${directories}`);
  }
  return found;
}

/** The error for a name that no repository has. @param existing - The names that they have. */
export function unknownModel(name: string, existing: readonly string[]): StatusError {
  const names = [...new Set(existing)].sort();
  const near = nearest(name, names);
  const hint = near === null ? `; its models are ${names.join(", ")}` : `, did you mean '${near}'?`;
  return new StatusError(
    "NOT_FOUND",
    `model '${name}' is in none of the repositories${names.length === 0 ? ", which are empty" : hint}`,
  );
}

/**
 * Loads a model as the server would, ends it again, and says how it is served.
 *
 * @throws StatusError when the model does not load.
 */
export async function explainModel(
  found: FoundModel,
  loader: OfflineLoader,
  options: ExplainOptions,
): Promise<ModelExplanation> {
  await loadSteps(found, loader, options, [found.name]);
  const loaded = await loader.load(found);
  const { source, versions } = loaded;
  const warnings = loader.takeWarnings();
  const draft = await loader.loader.draft(source);
  const ascending = [...versions.keys()].sort((a, b) => Number(a) - Number(b));
  const newest = ascending.at(-1) ?? "";
  const model = versions.get(newest);
  if (model === undefined) throw new Error("A model loaded without versions. This is a bug.");
  const values = valuesOf(draft, { ...loaded, model }, found, options);
  return {
    name: found.name,
    directory: found.directory,
    file: draft.source?.file ?? null,
    versions: ascending,
    values,
    plan:
      model.config.ensembleScheduling === null
        ? {
            ...loader.loader.plan(source, draft.config, newest),
            coreCount: loader.coreBudget.coreCount,
            groups: describeGroups(draft, values),
          }
        : null,
    warnings,
  };
}

/** An ensemble is only checked against models that are there. */
async function loadSteps(
  found: FoundModel,
  loader: OfflineLoader,
  options: ExplainOptions,
  chain: readonly string[],
): Promise<void> {
  for (const name of new StepReader(null).namesOf(found, null)) {
    if (chain.includes(name)) {
      throw new AdvisedError(
        "INVALID_ARG",
        `circular dependency between ensembles: ${[...chain, name].join(" -> ")}`,
        { path: "ensemble_scheduling.step", fix: "take one of the steps out that lead back" },
      );
    }
    const step = await findModelToExplain(name, options);
    await loadSteps(step, loader, options, [...chain, name]);
    await loader.load(step).catch((thrown: unknown) => {
      const { code, message } = StatusError.from(thrown);
      throw new AdvisedError(code, `its model '${name}' does not load: ${message}`, {
        file: step.directory,
        fix: `repair that model first: \`nereid explain ${name}\` says more`,
      });
    });
  }
}

function valuesOf(
  draft: ModelConfigDraft,
  { completed, model: { config } }: OfflineModel & { readonly model: Model },
  found: FoundModel,
  options: ExplainOptions,
): ExplainedValue[] {
  const { source, fields } = draft;
  const addsBatching = fields.dynamic_batching === undefined && completed.dynamic_batching !== undefined;
  const filename = source === null ? "" : path.basename(source.file);
  return explainValues({
    inFile: fields,
    // Nothing is completed for an ensemble.
    completed: config.ensembleScheduling === null ? completed : fields,
    effective: renderModelConfig(config),
    describeFile: (valuePath) => {
      const place = source?.places?.placeOf(valuePath) ?? null;
      return place === null ? filename : `${filename} line ${place.line}`;
    },
    describeOther: (valuePath, isFromModel) => {
      if (isFromModel) return describeModelValue(valuePath, config, options);
      if (addsBatching && valuePath.startsWith("dynamic_batching.")) {
        return { origin: "default", detail: "dynamic batching is on because the model batches" };
      }
      return describeDefault(valuePath, draft, found);
    },
  });
}

function describeModelValue(
  valuePath: string,
  config: ModelConfig,
  { backendConfig }: ExplainOptions,
): Pick<ExplainedValue, "origin" | "detail"> {
  if (valuePath !== "max_batch_size" || config.maxBatchSize === 0) return { origin: "model", detail: "" };
  const setting = settingsForBackend(backendConfig, config.backend).get("default-max-batch-size");
  const why = "because the model batches";
  return setting === undefined
    ? { origin: "model", detail: why }
    : { origin: "flag", detail: `--backend-config default-max-batch-size=${setting}, ${why}` };
}

/** Fields by which a backend is found; each implies the others. */
const backendFields = ["backend", "platform", "default_model_filename"] as const;

function describeDefault(
  valuePath: string,
  draft: ModelConfigDraft,
  found: FoundModel,
): Pick<ExplainedValue, "origin" | "detail"> {
  if (valuePath === "name") return { origin: "directory", detail: `the name of ${found.directory}` };
  if (!backendFields.some((field) => field === valuePath) || draft.config.ensembleScheduling !== null) {
    return { origin: "default", detail: "" };
  }
  const given = backendFields.filter((field) => (draft.fields[field] ?? "") !== "");
  return given.length === 0
    ? { origin: "directory", detail: "the model's file, or the end of the model's name" }
    : { origin: "default", detail: `by "${given.join('" and "')}"` };
}

function describeGroups(draft: ModelConfigDraft, values: readonly ExplainedValue[]): string[] {
  return draft.config.instanceGroup.map((group, i) => {
    const origin = values.find((value) => value.path === `instance_group[${i}].count`)?.origin;
    const why = origin === "file" ? "as written" : `the default of backend '${draft.config.backend}' there`;
    return `group '${group.name}', ${group.kind}: ${group.count} instance(s)${group.kind === "KIND_GPU" ? " on each GPU" : ""}, ${why}`;
  });
}
