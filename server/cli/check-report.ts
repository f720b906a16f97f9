import { formatPlace } from "../model-config/source-places.ts";
import type { CheckProblem, ModelReport, RepositoryReport } from "./repository-check.ts";

/** The report for people: one block per model, then a line that sums up. Ends with a newline. */
export function formatReport(report: RepositoryReport): string {
  const blocks = [
    ...report.problems.map((problem) => formatProblem(problem, "").join("\n")),
    ...report.models.map(formatModel),
  ];
  return `${[...blocks, formatSummary(report)].join("\n\n")}\n`;
}

/** The report for programs, as JSON with an indent of two. Ends with a newline. */
export function renderReport(report: RepositoryReport): string {
  const reply = {
    ok: report.problems.length === 0 && report.models.every((model) => model.problems.length === 0),
    problems: report.problems.map(renderProblem),
    models: report.models.map(({ name, directory, versions, platform, problems, warnings }) => ({
      name,
      directory,
      ok: problems.length === 0,
      platform,
      versions: versions.map(Number),
      problems: problems.map(renderProblem),
      warnings,
    })),
  };
  return `${JSON.stringify(reply, null, 2)}\n`;
}

/** A problem as programs see it. */
export function renderProblem(problem: CheckProblem): object {
  const { text, file, place, path, found, model, fix } = problem;
  return {
    message: text,
    file,
    line: place?.line ?? null,
    column: place?.column ?? null,
    path: path ?? null,
    found: found ?? null,
    model: model ?? null,
    fix: fix ?? null,
  };
}

function formatModel(model: ModelReport): string {
  const { name, directory, versions, platform, problems, warnings } = model;
  const state =
    problems.length > 0
      ? countOf(problems.length, "problem")
      : `ok (${platform}, version${versions.length === 1 ? "" : "s"} ${versions.join(", ")})`;
  return [
    `${name}: ${state}`,
    `  ${directory}`,
    ...problems.flatMap((problem) => formatProblem(problem, "  - ")),
    ...warnings.map((warning) => `  - warning: ${warning}`),
  ].join("\n");
}

/** The lines of one problem. @param bullet - Begins the first line; the others are indented by as much. */
export function formatProblem(problem: CheckProblem, bullet: string): string[] {
  const { text, file, place, path, found, model, fix } = problem;
  const indent = " ".repeat(bullet.length);
  const where = [
    ...(file === null ? [] : [file]),
    ...(place === null ? [] : [formatPlace(place)]),
    ...(path === undefined ? [] : [path]),
  ];
  const details = [
    ...(where.length === 0 ? [] : [["at", where.join(", ")]]),
    ...(found === undefined ? [] : [["config", found]]),
    ...(model === undefined ? [] : [["model", model]]),
    ...(fix === undefined ? [] : [["fix", fix]]),
  ];
  return [
    `${bullet}${text}`,
    ...details.map(([name = "", value = ""]) => `${indent}  ${`${name}:`.padEnd(8)}${value}`),
  ];
}

function formatSummary({ problems, models }: RepositoryReport): string {
  const bad = models.filter((model) => model.problems.length > 0);
  const count = problems.length + bad.reduce((sum, model) => sum + model.problems.length, 0);
  const checked = `${countOf(models.length, "model")} checked`;
  return count === 0
    ? `${checked}, no problems.`
    : `${checked}, ${countOf(count, "problem")} in ${countOf(bad.length, "model")}${bad.length === 0 ? "" : `: ${bad.map(({ name }) => name).join(", ")}`}.`;
}

function countOf(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}
