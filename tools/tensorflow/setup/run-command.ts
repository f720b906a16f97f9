import { spawn } from "node:child_process";

/** How a command ended. */
export interface CommandResult {
  /** `null`: it did not start, or a signal ended it. */
  readonly exitStatus: number | null;
  /** The last part of what it wrote, both streams together; or why it did not start. */
  readonly output: string;
}

/** How a command runs. */
export interface CommandOptions {
  readonly directory?: string;
  /** Variables besides those of this process. */
  readonly environment?: Readonly<Record<string, string>>;
  /** Gets each piece of what the command writes. */
  readonly onOutput?: (text: string) => void;
  readonly timeoutMs?: number;
}

/** Longest output that is kept. */
const keptLength = 8000;

/** Runs a command without a shell. Never throws: a command that does not start has no exit status. */
export function runCommand(
  command: string,
  args: readonly string[],
  options: CommandOptions = {},
): Promise<CommandResult> {
  return new Promise((resolve) => {
    let output = "";
    const child = spawn(command, args, {
      stdio: ["ignore", "pipe", "pipe"],
      windowsHide: true,
      cwd: options.directory,
      env: { ...process.env, ...options.environment },
      timeout: options.timeoutMs,
    });
    const take = (chunk: Buffer): void => {
      const text = chunk.toString();
      output = (output + text).slice(-keptLength);
      options.onOutput?.(text);
    };
    child.stdout.on("data", take);
    child.stderr.on("data", take);
    child.on("error", (error) => resolve({ exitStatus: null, output: error.message }));
    child.on("close", (exitStatus) => resolve({ exitStatus, output: output.trim() }));
  });
}

/** The last lines of an output, for an error. */
export function lastLines(output: string, count = 12): string {
  return output
    .split("\n")
    .slice(-count)
    .map((line) => `    ${line}`)
    .join("\n");
}
