import { PerfError } from "../exit-code.ts";
import type { LevelResult } from "../inference-profiler.ts";
import type { AnalyzerOptions } from "../options/analyzer-options.ts";
import { levelRangeOf } from "../options/cross-checks.ts";
import type { PageSection } from "../report/html/page.ts";
import { bestRun, searchRates } from "./rate-search.ts";
import { formatResult, formatScenario, formatVerdict, scenarioSection } from "./server-report.ts";
import { runServerScenario, type ServerRunParts } from "./server-run.ts";
import { mlperfDefaults, type ServerScenario } from "./server-scenario.ts";
import type { ServerRun } from "./server-verdict.ts";

/** Where a session writes to. */
export interface SessionSurroundings {
  readonly print: (text: string) => void;
  /** The report of a run, as of any level. */
  readonly printLevel: (result: LevelResult) => void;
}

/** What a session measured. */
export interface ServerSession {
  readonly results: readonly LevelResult[];
  readonly hasValidRun: boolean;
  /** What ended the session before its time; `null` when nothing did. */
  readonly failure: PerfError | null;
  readonly section: PageSection;
}

/** The rules, as a command line with `--mlperf-server` sets them. */
export function scenarioOf(options: AnalyzerOptions): ServerScenario {
  return {
    latencyBoundUs: options.latencyThresholdMs * 1e3,
    percentile: options.percentile ?? mlperfDefaults.percentile,
    minDurationUs: options.mlperfMinDurationMs * 1e3,
    minQueryCount: options.mlperfMinQueryCount,
    seed: options.randomSeed,
  };
}

/** Searches the highest valid rate, and reports each run. Does not reject: a failure is part of the result. */
export async function runServerSession(
  options: AnalyzerOptions,
  parts: ServerRunParts,
  { print, printLevel }: SessionSurroundings,
): Promise<ServerSession> {
  const scenario = scenarioOf(options);
  print(formatScenario(scenario));
  const runs: ServerRun[] = [];
  let failure: PerfError | null = null;
  try {
    const search = searchRates(levelRangeOf(options), (rate) => runServerScenario(scenario, rate, parts));
    for await (const run of search) {
      runs.push(run);
      printLevel(run.result);
      print(formatVerdict(run));
    }
  } catch (thrown) {
    failure = PerfError.from(thrown);
  }
  print(formatResult(runs));
  return {
    results: runs.map(({ result }) => result),
    hasValidRun: bestRun(runs) !== null,
    failure,
    section: scenarioSection(scenario, runs),
  };
}
