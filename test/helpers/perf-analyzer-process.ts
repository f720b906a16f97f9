import { type ChildProcess, spawn } from "node:child_process";
import path from "node:path";

const entry = path.resolve(import.meta.dirname, "../../perf_analyzer/main.js");

/** How a run of perf_analyzer ended. */
export interface PerfAnalyzerEnd {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * Runs perf_analyzer to its end.
 *
 * @param onStdout - Sees everything written so far, and the process.
 */
export function runPerfAnalyzer(
  args: readonly string[],
  onStdout: (text: string, child: ChildProcess) => void = () => undefined,
): Promise<PerfAnalyzerEnd> {
  const child = spawn(process.execPath, [entry, ...args], { stdio: ["ignore", "pipe", "pipe"] });
  let stdout = "";
  let stderr = "";
  child.stdout.on("data", (chunk: Buffer) => {
    stdout += chunk.toString();
    onStdout(stdout, child);
  });
  child.stderr.on("data", (chunk: Buffer) => {
    stderr += chunk.toString();
  });
  const patience = setTimeout(() => child.kill("SIGKILL"), 60_000);
  const kill = (): void => void child.kill("SIGKILL");
  process.once("exit", kill);
  return new Promise((resolve) => {
    child.once("close", (code) => {
      clearTimeout(patience);
      process.off("exit", kill);
      resolve({ code, stdout, stderr });
    });
  });
}

/** A number of the report. @throws Error with the report when it is not there. */
export function reportedNumber(report: string, pattern: RegExp): number {
  const match = pattern.exec(report);
  if (match?.[1] === undefined) throw new Error(`The report has no ${String(pattern)}:\n${report}`);
  return Number(match[1]);
}
