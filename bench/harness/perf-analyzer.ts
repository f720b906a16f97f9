import { fileURLToPath } from "node:url";
import { runGenerator } from "./load-generator.ts";

const entry = fileURLToPath(new URL("../../perf_analyzer/main.js", import.meta.url));

/** One run of the project's own load generator, in a process of its own. */
export interface PerfAnalyzerLoad {
  readonly protocol: "http" | "grpc";
  readonly port: number;
  readonly modelName: string;
  readonly concurrency: number;
  readonly threadCount: number;
  readonly seconds: number;
}

/** What perf_analyzer reported. Every request had a good response: it ends with an error otherwise. */
export interface PerfAnalyzerResult {
  readonly requestsPerSecond: number;
  readonly p50Us: number;
  readonly p99Us: number;
  /** Cores that its threads kept busy together, `null` where not known. */
  readonly generatorCores: number | null;
}

/** The result is made of so many windows, each 1.2 times as long as the interval that is asked for. */
const windowCount = 3;
const intervalFactor = 1.2;

/** @throws Error with its output when a request failed, or it reported nothing. */
export async function runPerfAnalyzer(load: PerfAnalyzerLoad): Promise<PerfAnalyzerResult> {
  const intervalMs = Math.round((load.seconds * 1e3) / windowCount / intervalFactor);
  const run = await runGenerator(process.execPath, [
    entry,
    ...["-m", load.modelName, "-i", load.protocol, "-u", `127.0.0.1:${load.port}`],
    `--concurrency-range=${load.concurrency}`,
    `--max-threads=${load.threadCount}`,
    `--measurement-interval=${intervalMs}`,
    // The rounds of the case say how steady it is: the first three windows are the result.
    "--stability-percentage=1000",
  ]);
  return parsePerfAnalyzer(run.output, run.cores);
}

/**
 * Reads the report.
 *
 * @throws Error when it has no throughput or no latency.
 */
export function parsePerfAnalyzer(output: string, generatorCores: number | null): PerfAnalyzerResult {
  const number = (pattern: RegExp): number => {
    const match = pattern.exec(output);
    if (match?.[1] === undefined) throw new Error(`perf_analyzer reported no ${String(pattern)}:\n${output}`);
    return Number(match[1]);
  };
  return {
    requestsPerSecond: number(/^ {4}Throughput: ([\d.]+) infer\/sec/m),
    p50Us: number(/^ {4}p50 latency: (\d+) usec/m),
    p99Us: number(/^ {4}p99 latency: (\d+) usec/m),
    generatorCores,
  };
}
