import { nearest } from "../core/edit-distance.ts";
import type { Environment } from "../options/parse-options.ts";
import { type SubCommandName, subCommandNames } from "../options/sub-commands.ts";
import { runCheck } from "./check.ts";
import { type CommandReply, helpReply } from "./command-reply.ts";
import { runConfigConvert } from "./config-convert.ts";
import { runExplain } from "./explain.ts";

/** One function for each row of the table: a command without one does not compile. */
const runners: {
  readonly [Name in SubCommandName]: (args: readonly string[], env: Environment) => Promise<CommandReply>;
} = {
  check: runCheck,
  explain: runExplain,
  "config convert": runConfigConvert,
};

/**
 * Runs the sub-command that a command line names.
 *
 * @param argv - The arguments after the program's name.
 * @param env - The environment variables.
 * @returns `null` when it names none: a command line that begins with an option, or is empty, starts a server.
 */
export async function runCommand(argv: readonly string[], env: Environment): Promise<CommandReply | null> {
  const [first] = argv;
  if (first === undefined || first.startsWith("-")) return null;
  const name = subCommandNames.find((candidate) => candidate.split(" ").every((word, i) => argv[i] === word));
  if (name === undefined) return unknownCommand(argv);
  const args = argv.slice(name.split(" ").length);
  return args.includes("--help") ? helpReply(name) : runners[name](args, env);
}

function unknownCommand(argv: readonly string[]): CommandReply {
  const words = argv.slice(0, 2).filter((word) => !word.startsWith("-"));
  const written = words[0] === "config" ? words.join(" ") : (words[0] ?? "");
  const near = nearest(written, subCommandNames);
  const hint = near === null ? "." : `, did you mean ${near}?`;
  return {
    exitCode: 2,
    stdout: "",
    stderr:
      `nereid: Unknown command ${JSON.stringify(written)}${hint} Commands are ${subCommandNames.join(", ")}; ` +
      "without one the server is started, with options --flag value or --flag=value. See nereid --help.\n",
  };
}
