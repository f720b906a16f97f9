import { formatHelp } from "./format-help.ts";
import type { CommandLine } from "./parse-options.ts";

/** What the program prints, and how it ends, when a command line does not start a server. */
export interface CommandLineReply {
  readonly exitCode: 0 | 1;
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * The answer to `--help`, `--version` or a mistake.
 *
 * @param version - Of this program.
 */
export function replyTo(
  commandLine: Exclude<CommandLine, { readonly kind: "serve" }>,
  version: string,
): CommandLineReply {
  switch (commandLine.kind) {
    case "help":
      return { exitCode: 0, stdout: formatHelp(), stderr: "" };
    case "version":
      return { exitCode: 0, stdout: `nereid ${version}\n`, stderr: "" };
    case "error":
      return {
        exitCode: 1,
        stdout: "",
        stderr: `nereid: ${commandLine.message}\nUsage: nereid --model-repository <path> [options]. See nereid --help for all options.\n`,
      };
  }
}
