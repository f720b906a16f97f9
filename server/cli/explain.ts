import { StatusError } from "../core/status.ts";
import { type Environment, parseOptions } from "../options/parse-options.ts";
import { formatProblem, renderProblem } from "./check-report.ts";
import { readCommandArguments } from "./command-arguments.ts";
import { type CommandReply, wrongUsage } from "./command-reply.ts";
import { formatExplanation, renderExplanation } from "./explain-report.ts";
import { explainModel, type ExplainOptions, findModelToExplain } from "./model-explanation.ts";
import { listModelNames } from "../repository/model-names.ts";
import { withLocalCopies } from "./local-copies.ts";
import { loadOptionFields, OfflineLoader } from "./offline-loader.ts";
import { problemsOf } from "./repository-check.ts";

/**
 * `nereid explain <model>`: shows how a model is served, and where each value of its configuration comes from.
 *
 * @param args - What follows the name of the command.
 * @param env - The environment variables.
 */
export async function runExplain(args: readonly string[], env: Environment): Promise<CommandReply> {
  const parsed = readCommandArguments(args, [{ flag: "--json", takesValue: false }], loadOptionFields);
  if (typeof parsed === "string") return wrongUsage("explain", parsed);
  const [name, ...more] = parsed.positionals;
  if (name === undefined || more.length > 0) {
    const found = name === undefined ? "none" : parsed.positionals.join(", ");
    return wrongUsage("explain", `Expected the name of one model, got ${found}`);
  }
  const commandLine = parseOptions(parsed.server, env);
  if (commandLine.kind === "error") return wrongUsage("explain", commandLine.message);
  if (commandLine.kind !== "serve") throw new Error("An action came through. This is a bug.");
  const isJson = parsed.own.has("--json");
  try {
    return await withLocalCopies(commandLine.options, name, (local) => explain(name, local, isJson));
  } catch (thrown) {
    return { exitCode: 1, stdout: "", stderr: `nereid: ${StatusError.from(thrown).message}\n` };
  }
}

/** @throws StatusError when there is no such model. */
async function explain(name: string, options: ExplainOptions, isJson: boolean): Promise<CommandReply> {
  const found = await findModelToExplain(name, options);
  const names = (await listModelNames(options.modelRepositoryPaths)).map((each) => each.name);
  const loader = await OfflineLoader.open(options, new Set(names));
  try {
    const explanation = await explainModel(found, loader, options);
    const print = isJson ? renderExplanation : formatExplanation;
    return { exitCode: 0, stdout: print(explanation), stderr: "" };
  } catch (thrown) {
    const problems = await problemsOf(StatusError.from(thrown), found, loader);
    if (isJson) {
      const reply = {
        name,
        directory: found.directory,
        problems: problems.map(renderProblem),
        warnings: loader.takeWarnings(),
      };
      return { exitCode: 1, stdout: `${JSON.stringify(reply, null, 2)}\n`, stderr: "" };
    }
    const lines = problems.flatMap((problem) => formatProblem(problem, "  - "));
    lines.push(...loader.takeWarnings().map((warning) => `  - warning: ${warning}`));
    return { exitCode: 1, stdout: "", stderr: `Model '${name}' does not load:\n${lines.join("\n")}\n` };
  }
}
