import { spawn } from "node:child_process";
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { ChildOutput } from "./child-output.ts";
import type { Measurement } from "./measurement.ts";

const entry = fileURLToPath(new URL("../perf_analyzer/main.js", import.meta.url));

/** perf_analyzer's exit code when a measurement did not settle: its numbers are there all the same. */
const notStableCode = 2;

/** A measurement to make. */
export interface PerfRun {
  readonly model: string;
  /** `<host>:<port>` for the protocol that {@link args} choose. */
  readonly address: string;
  readonly concurrency: number;
  /** Options of perf_analyzer. */
  readonly args: readonly string[];
  /** Where it may write its report. */
  readonly csvFile: string;
}

/**
 * Measures with perf_analyzer, in a process of its own: it shares the cores with the server as a client on the same machine
 * would, but nothing else.
 *
 * @returns The numbers without the memory, or why there are none.
 */
export async function runPerf(
  run: PerfRun,
  signal: AbortSignal,
): Promise<Omit<Measurement, "memoryMb"> | string> {
  const { model, address, concurrency, args, csvFile } = run;
  const child = spawn(
    process.execPath,
    [
      entry,
      ...["-m", model, "-u", address, `--concurrency-range=${concurrency}`, "-f", csvFile, "--verbose-csv"],
      ...args,
    ],
    { stdio: ["ignore", "pipe", "pipe"] },
  );
  const output = new ChildOutput(child);
  const onAbort = (): void => {
    child.kill("SIGKILL");
  };
  if (signal.aborted) onAbort();
  signal.addEventListener("abort", onAbort);
  const { code, stderr } = await output.ended;
  signal.removeEventListener("abort", onAbort);
  if (code !== 0 && code !== notStableCode) {
    return stderr.trim().replace(/^perf_analyzer: /, "") || `perf_analyzer ended with ${String(code)}`;
  }
  const numbers = readReport(await readFile(csvFile, "utf8"), concurrency);
  return numbers === null ? "perf_analyzer measured no request" : { ...numbers, isStable: code === 0 };
}

/** Reads perf_analyzer's CSV of one level; `null` when it has no row. @see contract §9.4 */
export function readReport(
  csv: string,
  concurrency: number,
): Omit<Measurement, "memoryMb" | "isStable"> | null {
  const [header = "", row = ""] = csv.split("\n");
  if (row === "") return null;
  const cells = row.split(",");
  const columns = new Map(header.split(",").map((name, i) => [name, Number(cells[i])]));
  const column = (name: string): number => {
    const value = columns.get(name);
    if (value === undefined || Number.isNaN(value)) {
      throw new Error(`perf_analyzer's report has no number in column "${name}". This is a bug.`);
    }
    return value;
  };
  return {
    concurrency,
    throughput: column("Inferences/Second"),
    averageMs: column("Avg latency") / 1e3,
    p50Ms: column("p50 latency") / 1e3,
    p90Ms: column("p90 latency") / 1e3,
    p95Ms: column("p95 latency") / 1e3,
    p99Ms: column("p99 latency") / 1e3,
  };
}
