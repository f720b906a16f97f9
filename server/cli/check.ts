import { StatusError } from "../core/status.ts";
import { type Environment, parseOptions } from "../options/parse-options.ts";
import { formatReport, renderReport } from "./check-report.ts";
import { readCommandArguments } from "./command-arguments.ts";
import { type CommandReply, wrongUsage } from "./command-reply.ts";
import { loadOptionFields } from "./offline-loader.ts";
import { withLocalCopies } from "./local-copies.ts";
import { checkRepositories, isSound } from "./repository-check.ts";

/**
 * `nereid check <repository>…`: finds what is wrong with the models of repositories without serving them.
 *
 * @param args - What follows the name of the command.
 * @param env - The environment variables.
 */
export async function runCheck(args: readonly string[], env: Environment): Promise<CommandReply> {
  const parsed = readCommandArguments(args, [{ flag: "--json", takesValue: false }], loadOptionFields);
  if (typeof parsed === "string") return wrongUsage("check", parsed);
  const repositories = parsed.positionals.map((path) => `--model-repository=${path}`);
  const commandLine = parseOptions([...parsed.server, ...repositories], env);
  if (commandLine.kind === "error") {
    const isMissing = repositories.length === 0 && !parsed.server.some((arg) => arg.startsWith("--model-"));
    return wrongUsage("check", isMissing ? "Expected a repository to check, got none" : commandLine.message);
  }
  if (commandLine.kind !== "serve") throw new Error("An action came through. This is a bug.");
  const { options } = commandLine;
  try {
    return await withLocalCopies(options, null, async (local) => {
      const report = await checkRepositories(local.modelRepositoryPaths, local);
      const print = parsed.own.has("--json") ? renderReport : formatReport;
      return { exitCode: isSound(report) ? 0 : 1, stdout: print(report), stderr: "" };
    });
  } catch (thrown) {
    return { exitCode: 1, stdout: "", stderr: `nereid: ${StatusError.from(thrown).message}\n` };
  }
}
