import { writeFile } from "node:fs/promises";
import process from "node:process";
import { applyConfig } from "../../tune/config-file.ts";
import type { CopiedModel } from "../../tune/private-repository.ts";
import { tuneCsv } from "../../tune/report/csv.ts";
import { tuneHtml } from "../../tune/report/html.ts";
import { formatTuneReport } from "../../tune/report/text.ts";
import { knowsMemory } from "../../tune/resident-memory.ts";
import { runTune } from "../../tune/run-tune.ts";
import type { TuneReport } from "../../tune/tune-report.ts";
import { metricsOf, readTuneRequest, tuneFlags, type TuneRequest } from "../../tune/tune-request.ts";
import type { TuneSubject } from "../../tune/tune-subject.ts";
import { StatusError } from "../core/status.ts";
import { optionTable } from "../options/option-table.ts";
import { parseOptions } from "../options/parse-options.ts";
import { listModelNames } from "../repository/model-names.ts";
import { formatProblem } from "./check-report.ts";
import { readCommandArguments } from "./command-arguments.ts";
import { type CommandReply, wrongUsage } from "./command-reply.ts";
import { type ExplainOptions, findModelToExplain } from "./model-explanation.ts";
import { loadOptionFields, OfflineLoader } from "./offline-loader.ts";
import { problemsOf } from "./repository-check.ts";
import { loadTuneSubject } from "./tune-subject-loader.ts";

/**
 * `nereid tune <model>`: measures other settings of a model on this machine, and says which are better.
 *
 * @param args - What follows the name of the command; after `--` options of perf_analyzer.
 */
export async function runTuneCommand(args: readonly string[]): Promise<CommandReply> {
  const divider = args.indexOf("--");
  const own = divider < 0 ? args : args.slice(0, divider);
  const perfArgs = divider < 0 ? [] : args.slice(divider + 1);
  const parsed = readCommandArguments(own, tuneFlags, loadOptionFields);
  if (typeof parsed === "string") return wrongUsage("tune", parsed);
  const [name, ...more] = parsed.positionals;
  if (name === undefined || more.length > 0) {
    const found = name === undefined ? "none" : parsed.positionals.join(", ");
    return wrongUsage("tune", `Expected the name of one model, got ${found}`);
  }
  const request = readTuneRequest(name, parsed.own, perfArgs);
  if (typeof request === "string") return wrongUsage("tune", request);
  const commandLine = parseOptions(parsed.server, {});
  if (commandLine.kind === "error") return wrongUsage("tune", commandLine.message);
  if (commandLine.kind !== "serve") throw new Error("An action came through. This is a bug.");
  return tuneModel(name, request, commandLine.options, loadArguments(parsed.server));
}

async function tuneModel(
  name: string,
  request: TuneRequest,
  options: ExplainOptions,
  serverArgs: readonly string[],
): Promise<CommandReply> {
  const interruption = new AbortController();
  const onSignal = (): void => interruption.abort();
  process.on("SIGINT", onSignal);
  process.on("SIGTERM", onSignal);
  try {
    const subject = await subjectOf(name, options);
    if (typeof subject === "string") return failed(subject);
    const obstacle = await findObstacle(subject, request);
    if (obstacle !== null) return failed(`nereid: ${obstacle}`);
    const companions: CopiedModel[] = [];
    for (const companion of request.companions) companions.push(await findModelToExplain(companion, options));
    const report = await runTune(
      { subject, request, companions, serverArgs },
      { note: (line) => process.stderr.write(`${line}\n`), signal: interruption.signal },
    );
    return await finish(report);
  } catch (thrown) {
    return failed(`nereid: ${thrown instanceof Error ? thrown.message : String(thrown)}`);
  } finally {
    process.off("SIGINT", onSignal);
    process.off("SIGTERM", onSignal);
  }
}

/** The model as it is now, or why there is none. */
async function subjectOf(name: string, options: ExplainOptions): Promise<TuneSubject | string> {
  const found = await findModelToExplain(name, options);
  const names = (await listModelNames(options.modelRepositoryPaths)).map((each) => each.name);
  const loader = await OfflineLoader.open(options, new Set(names));
  try {
    return await loadTuneSubject(found, loader);
  } catch (thrown) {
    const error = StatusError.from(thrown);
    if (error.code === "UNSUPPORTED") return `nereid: ${error.message}`;
    const problems = await problemsOf(error, found, loader);
    const lines = problems.flatMap((problem) => formatProblem(problem, "  - "));
    return `Model '${name}' does not load:\n${lines.join("\n")}`;
  }
}

/** What is asked for and cannot be had of this model, or on this system. */
async function findObstacle(
  { name, obstacles, current }: TuneSubject,
  { values, goal, rowsPerRequest }: TuneRequest,
): Promise<string | null> {
  const asked = [
    { flag: "--instance-counts", values: values.instanceCounts, obstacle: obstacles.instanceCount },
    { flag: "--thread-counts", values: values.threadCounts, obstacle: obstacles.threadCount },
    { flag: "--max-batch-sizes", values: values.maxBatchSizes, obstacle: obstacles.maxBatchSize },
    { flag: "--queue-delays-us", values: values.queueDelaysUs, obstacle: obstacles.queueDelayUs },
  ].find((each) => each.values !== null && each.obstacle !== null);
  if (asked !== undefined) {
    return `${asked.flag} cannot be tuned for model '${name}': ${asked.obstacle ?? ""}`;
  }
  const most = current.maxBatchSize === 0 ? 1 : current.maxBatchSize;
  if (rowsPerRequest > most) {
    return `requests of ${rowsPerRequest} rows (-b) cannot be sent to model '${name}' as it is now: it takes ${most} at most`;
  }
  if (metricsOf(goal).includes("cpu_used_ram") && !(await knowsMemory())) {
    return "cpu_used_ram is not known on this system: it is read from /proc, which Linux has";
  }
  return null;
}

/** Writes what the command line asks for. Reports are written of an interrupted tuning, too; its result is not applied. */
async function finish(report: TuneReport): Promise<CommandReply> {
  const { request, subject, advice, wasInterrupted } = report;
  let stdout = formatTuneReport(report);
  const problems: string[] = [];
  const attempt = async (what: string, act: () => Promise<void>): Promise<void> => {
    try {
      await act();
    } catch (thrown) {
      problems.push(`nereid: ${what}: ${thrown instanceof Error ? thrown.message : String(thrown)}\n`);
    }
  };
  const now = new Date();
  const { csvFile, htmlFile } = request;
  if (csvFile !== null) await attempt("cannot write the report", () => writeFile(csvFile, tuneCsv(report)));
  if (htmlFile !== null) {
    await attempt("cannot write the report", () => writeFile(htmlFile, tuneHtml(report, now)));
  }
  if (request.applies && wasInterrupted) {
    problems.push("nereid: --apply does nothing after an interruption: the ranking is not confirmed\n");
  } else if (request.applies && advice.kind === "change") {
    await attempt("cannot apply the configuration", async () => {
      const { file, backup } = await applyConfig(subject, advice.configText, now);
      stdout += `\nWritten to ${file}${backup === null ? "" : `; before it was what ${backup} keeps`}.\n`;
    });
  }
  const isDone = problems.length === 0 && !wasInterrupted && advice.kind !== "none";
  return { exitCode: isDone ? 0 : 1, stdout, stderr: problems.join("") };
}

function failed(message: string): CommandReply {
  return { exitCode: 1, stdout: "", stderr: `${message}\n` };
}

/** What the server under test gets of the command line: not the repositories, it has copies in one of its own. */
function loadArguments(serverArgs: readonly string[]): readonly string[] {
  const { flag, aliases = [] } = optionTable.modelRepositoryPaths;
  const kept: string[] = [];
  for (let i = 0; i < serverArgs.length; i++) {
    const argument = serverArgs[i] ?? "";
    const name = argument.split("=", 1)[0] ?? "";
    if (![flag, ...aliases].includes(name)) kept.push(argument);
    else if (!argument.includes("=")) i++;
  }
  return kept;
}
