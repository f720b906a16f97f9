import { constants } from "node:fs";
import { access, stat } from "node:fs/promises";
import path from "node:path";
import { AdvisedError } from "../core/advised-error.ts";
import { StatusError } from "../core/status.ts";
import { ConfigError, type ProblemDetails } from "../model-config/config-problems.ts";
import type { SourcePlace } from "../model-config/source-places.ts";
import { findCycles, runInOrder, StepReader } from "../repository/ensemble-dependencies.ts";
import { LoadSlots } from "../model/load-slots.ts";
import { duplicateReason } from "../repository/repository-index.ts";
import { findModels, type FoundModel } from "../repository/scan/find-models.ts";
import { type LoadOptions, OfflineLoader } from "./offline-loader.ts";

/** One thing that is wrong in a repository. */
export interface CheckProblem extends ProblemDetails {
  /** What is wrong, where, and what would be right. */
  readonly text: string;
  /** The file or directory that it is about, or `null`. */
  readonly file: string | null;
  readonly place: SourcePlace | null;
}

/** What the check found of one model directory. */
export interface ModelReport {
  readonly name: string;
  readonly directory: string;
  /** The versions that loaded, ascending; empty when there are problems. */
  readonly versions: readonly string[];
  /** What runs the model: its platform, or else its backend; "" when that is not known. */
  readonly platform: string;
  readonly problems: readonly CheckProblem[];
  /** What the server would say and go on, a sentence each. */
  readonly warnings: readonly string[];
}

/** What the check found in all repositories. */
export interface RepositoryReport {
  /** Repositories that cannot be read. */
  readonly problems: readonly CheckProblem[];
  /** By name. */
  readonly models: readonly ModelReport[];
}

/**
 * Loads every model of the repositories, one at a time, and ends it again: a model that passes serves.
 *
 * @param repositories - Paths of the repositories.
 * @throws StatusError when a backend of the backend directory cannot be used.
 */
export async function checkRepositories(
  repositories: readonly string[],
  options: LoadOptions,
): Promise<RepositoryReport> {
  const problems: CheckProblem[] = [];
  const found: FoundModel[] = [];
  for (const repository of repositories) {
    try {
      found.push(...findModels(repository));
    } catch (thrown) {
      problems.push({
        text: StatusError.from(thrown).message,
        file: repository,
        place: null,
        fix: await missingDirectoryFix(repository),
      });
    }
  }
  const models = await checkModels(
    found,
    await OfflineLoader.open(options, new Set(found.map(({ name }) => name))),
  );
  return { problems, models: models.sort((a, b) => (a.directory < b.directory ? -1 : 1)) };
}

/** Whether nothing is wrong. Warnings are not wrong. */
export function isSound(report: RepositoryReport): boolean {
  return report.problems.length === 0 && report.models.every((model) => model.problems.length === 0);
}

async function missingDirectoryFix(repository: string): Promise<string> {
  return stat(repository).then(
    (found) =>
      found.isDirectory()
        ? "let this user read the directory"
        : "name a directory with one subdirectory per model",
    () => "name a directory that exists",
  );
}

async function checkModels(found: readonly FoundModel[], loader: OfflineLoader): Promise<ModelReport[]> {
  const reports: ModelReport[] = [];
  const byName = new Map<string, FoundModel>();
  for (const model of found) {
    const namesakes = found.filter((other) => other.name === model.name);
    if (namesakes.length === 1) byName.set(model.name, model);
    else reports.push(duplicateReport(model, namesakes));
  }
  const dependencies = new Map(new StepReader(null).dependencies([...byName.values()]));
  for (const [model, cycle] of findCycles(dependencies)) {
    dependencies.delete(model);
    reports.push(cycleReport(model, cycle.map(({ name }) => name).join(" -> ")));
  }
  // One at a time: the check must not need more memory than the largest model, and models must not slow each other.
  const slots = new LoadSlots(1);
  await runInOrder(dependencies, (model) =>
    slots.run(async () => {
      reports.push(await checkModel(model, loader));
    }),
  );
  return reports;
}

async function checkModel(found: FoundModel, loader: OfflineLoader): Promise<ModelReport> {
  const { name, directory } = found;
  try {
    const { versions } = await loader.load(found);
    const [first] = versions.values();
    return {
      name,
      directory,
      versions: [...versions.keys()].sort((a, b) => Number(a) - Number(b)),
      platform: first?.platform ?? "",
      problems: [],
      warnings: loader.takeWarnings(),
    };
  } catch (thrown) {
    return {
      ...failedReport(found, await problemsOf(StatusError.from(thrown), found, loader)),
      warnings: loader.takeWarnings(),
    };
  }
}

/** Why a model did not load, problem by problem. @param loader - That has tried to load it. */
export async function problemsOf(
  error: StatusError,
  found: FoundModel,
  loader: OfflineLoader,
): Promise<readonly CheckProblem[]> {
  if (error instanceof ConfigError) return error.problems;
  if (error instanceof AdvisedError) {
    const { file = await configFileOf(found, loader), ...rest } = error.advice;
    return [{ text: error.message, place: null, file, ...rest }];
  }
  const advice = await adviseOn(found, loader);
  return error.message.split("\n").map((text) => ({ text, place: null, ...advice }));
}

/** The file that holds the model's config, or its directory when there is none. */
async function configFileOf(found: FoundModel, loader: OfflineLoader): Promise<string> {
  return loader.look(found).then(
    ({ draft }) => draft.source?.file ?? found.directory,
    // A config that is wrong is one all the same.
    (thrown: unknown) => (thrown instanceof ConfigError ? thrown.problems[0]?.file : null) ?? found.directory,
  );
}

/** What is plainly missing in the model's directory, or what the failure must be about when nothing is. */
async function adviseOn(
  found: FoundModel,
  loader: OfflineLoader,
): Promise<Pick<CheckProblem, "file" | "fix">> {
  const { directory } = found;
  try {
    const { source, draft } = await loader.look(found);
    const [step] = draft.config.ensembleScheduling?.steps ?? [];
    if (source.versions.length === 0) {
      const content = step === undefined ? "with the model's file" : "which may be empty";
      return { file: directory, fix: `make a directory ${path.join(directory, "1")}, ${content}` };
    }
    if (step !== undefined) {
      const file = draft.source?.file ?? directory;
      return { file, fix: "add or repair the models of the steps, or change the steps to fit them" };
    }
    const { defaultModelFilename, backend } = draft.config;
    for (const version of source.versions) {
      const file = path.join(directory, String(version), defaultModelFilename);
      const obstacle = await access(file, constants.R_OK).then(
        () => null,
        (thrown: unknown) => (thrown as NodeJS.ErrnoException).code ?? "",
      );
      if (obstacle === "ENOENT") {
        return { file, fix: `put the model there, or name its file in "default_model_filename"` };
      }
      if (obstacle !== null)
        return { file, fix: `let this user read the file, which now ends with ${obstacle}` };
    }
    return {
      file: directory,
      fix: `make sure that backend '${backend}' can load the model's file as configured`,
    };
  } catch {
    return { file: directory, fix: "make the directory and what is in it readable for this user" };
  }
}

function failedReport(found: FoundModel, problems: readonly CheckProblem[]): ModelReport {
  const { name, directory } = found;
  return { name, directory, versions: [], platform: "", problems, warnings: [] };
}

function duplicateReport(found: FoundModel, namesakes: readonly FoundModel[]): ModelReport {
  const others = namesakes.filter((other) => other !== found).map((other) => `'${other.directory}'`);
  return failedReport(found, [
    {
      text: `${duplicateReason}: also at ${others.join(", ")}, so none of them is served`,
      file: found.directory,
      place: null,
      fix: "rename or remove all but one of them",
    },
  ]);
}

function cycleReport(found: FoundModel, cycle: string): ModelReport {
  return failedReport(found, [
    {
      text: `circular dependency between ensembles: ${cycle}`,
      file: found.directory,
      place: null,
      path: "ensemble_scheduling.step",
      fix: "take one of the steps out that lead back",
    },
  ]);
}
