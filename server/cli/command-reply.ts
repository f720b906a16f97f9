import { type SubCommandName, subCommands } from "../options/sub-commands.ts";

/** What a sub-command prints, and how it ends. */
export interface CommandReply {
  /** 0: all is well. 1: what was asked for shows a problem, or cannot be done. 2: the command line is wrong. */
  readonly exitCode: 0 | 1 | 2;
  readonly stdout: string;
  readonly stderr: string;
}

/** The reply to a command line that cannot be followed. */
export function wrongUsage(name: SubCommandName, message: string): CommandReply {
  return {
    exitCode: 2,
    stdout: "",
    stderr: `nereid: ${message}\nUsage: nereid ${subCommands[name].usage}\n`,
  };
}

/** The reply to `--help` after a sub-command. */
export function helpReply(name: SubCommandName): CommandReply {
  const { usage, doc } = subCommands[name];
  return { exitCode: 0, stdout: `Usage: nereid ${usage}\n\n${doc}\n`, stderr: "" };
}
