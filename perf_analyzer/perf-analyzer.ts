import { writeFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { analyzerVersion } from "./analyzer-version.ts";
import { GrpcServerClient } from "./client-backend/grpc/grpc-server-client.ts";
import { HttpServerClient } from "./client-backend/http/http-server-client.ts";
import type { ServerClient } from "./client-backend/server-client.ts";
import { authorityOf, type Target, targetOf } from "./client-backend/target.ts";
import { systemProfilerClock } from "./clock.ts";
import { type ExitCode, exitCode, PerfError } from "./exit-code.ts";
import { loadInferData } from "./infer-data/load-infer-data.ts";
import { planRequests } from "./infer-data/request-plan.ts";
import { InferenceProfiler, type LevelResult } from "./inference-profiler.ts";
import { searchLevels } from "./level-search.ts";
import { buildLoadPlan } from "./load-plan-builder.ts";
import { type Arrivals, meanRate } from "./load-manager/arrival-schedule.ts";
import type { LoadLevel } from "./load-manager/load-level.ts";
import { type LoadManager, ThreadedLoadManager } from "./load-manager/load-manager.ts";
import { readRequestIntervals } from "./load-manager/request-intervals.ts";
import { runServerSession } from "./mlperf/server-session.ts";
import { type MeasuredModel, measuredModel } from "./measured-model.ts";
import type { AnalyzerOptions } from "./options/analyzer-options.ts";
import { levelRangeOf } from "./options/cross-checks.ts";
import type { ProgressLine } from "./progress-line.ts";
import { csvFiles } from "./report/csv.ts";
import { htmlReport } from "./report/html.ts";
import type { PageSection } from "./report/html/page.ts";
import { profileExport } from "./report/json.ts";
import { isRateReport, type ReportContext } from "./report/report-context.ts";
import { formatLevel, formatLevelTitle, formatSettings, formatSummary, formatWindow } from "./report/text.ts";
import { readStatistics, type StatisticsReading } from "./server-statistics.ts";

/** Outstanding requests of synchronous load at a rate, and threads at most. @see contract §9.1, --max-threads */
const defaultMaxThreads = { concurrency: 16, rate: 4 } as const;

/** Where a run writes to, and what ends it. */
export interface RunSurroundings {
  readonly print: (text: string) => void;
  readonly progress: ProgressLine;
  /** Aborted when the user wants the end. */
  readonly signal: AbortSignal;
}

/**
 * Measures a model as the options say, and writes the reports. Whatever was measured before a failure is written too.
 *
 * @returns The exit code. Rejects with PerfError when nothing could be measured.
 */
export async function runAnalyzer(
  options: AnalyzerOptions,
  surroundings: RunSurroundings,
): Promise<ExitCode> {
  const target = targetOf(options);
  const client =
    options.protocol === "http"
      ? new HttpServerClient(target, options.headers)
      : new GrpcServerClient(target, options.headers);
  try {
    const model = await measuredModel(client, options);
    return await measure(options, model, { client, target }, surroundings);
  } finally {
    client.close();
  }
}

async function measure(
  options: AnalyzerOptions,
  model: MeasuredModel,
  server: { readonly client: ServerClient; readonly target: Target },
  surroundings: RunSurroundings,
): Promise<ExitCode> {
  const { description } = model;
  const plan = planRequests(loadInferData(options, description), description, options.batchSize);
  if (options.isMlperfServer && description.hasSequenceBatching) {
    throw new PerfError("--mlperf-server measures single queries: a model with a sequence batcher has none");
  }
  const isAsync = options.isAsync ?? (options.isMlperfServer || description.hasSequenceBatching);
  const context: ReportContext = {
    options,
    isAsync,
    hasResponseCache: description.hasResponseCache,
    plan,
    version: analyzerVersion,
  };
  const levelOf = levelMaker(options);
  const load = new ThreadedLoadManager(
    buildLoadPlan(options, description, plan, server.target),
    threadLimits(options, isAsync, description.hasSequenceBatching),
  );
  const endpoint = authorityOf(server.target);
  const results: LevelResult[] = [];
  try {
    if (options.isMlperfServer) {
      const statistics = (): Promise<StatisticsReading | null> =>
        readStatistics(server.client, model.statistics);
      return await measureScenario({ context, surroundings, load, statistics, endpoint });
    }
    surroundings.print(formatSettings(context));
    const profiler = new InferenceProfiler(
      { ...options, isAsync },
      {
        load,
        clock: systemProfilerClock,
        readStatistics: () => readStatistics(server.client, model.statistics),
        signal: surroundings.signal,
        observer: {
          onWindow: (trial, summary) => {
            surroundings.progress.clear();
            if (options.verbosity > 0) surroundings.print(formatWindow(trial, summary, options.verbosity));
          },
          onProgress: (trial, count, elapsedUs) =>
            surroundings.progress.show(
              `window ${trial}: ${count} requests in ${(elapsedUs / 1e6).toFixed(1)} s`,
            ),
        },
      },
    );
    const profileLevel = (value: number): Promise<LevelResult> => {
      const level = levelOf(value);
      if (options.verbosity > 0) surroundings.print(`${formatLevelTitle({ level })}\n`);
      return profiler.profile(level);
    };
    const rule = {
      ...options,
      range: searchRange(options),
      isBinary: options.isBinarySearch,
      isInteger: !isRateReport(context),
    };
    for await (const result of searchLevels(rule, profileLevel)) {
      surroundings.progress.clear();
      results.push(result);
      surroundings.print(formatLevel(result, context));
    }
  } finally {
    await load.close();
  }
  surroundings.print(formatSummary(results, context));
  writeReports(results, context, { endpoint, sections: [] });
  return exitCodeOf(results);
}

/** Runs of MLPerf's server scenario in place of windows. */
async function measureScenario(run: {
  readonly context: ReportContext;
  readonly surroundings: RunSurroundings;
  readonly load: LoadManager;
  readonly statistics: () => Promise<StatisticsReading | null>;
  readonly endpoint: string;
}): Promise<ExitCode> {
  const { context, surroundings, load } = run;
  const { signal, progress, print } = surroundings;
  const session = await runServerSession(
    context.options,
    {
      load,
      clock: systemProfilerClock,
      readStatistics: run.statistics,
      signal,
      onProgress: (count, elapsedUs) =>
        progress.show(`run: ${count} queries in ${(elapsedUs / 1e6).toFixed(1)} s`),
    },
    {
      print,
      printLevel: (result) => {
        progress.clear();
        print(`${formatLevel(result, context).trimEnd()}\n`);
      },
    },
  );
  writeReports(session.results, context, { endpoint: run.endpoint, sections: [session.section] });
  if (session.failure !== null) throw session.failure;
  return session.hasValidRun && !signal.aborted ? exitCode.ok : exitCode.notStable;
}

/** With custom intervals there is one level. */
function searchRange(options: AnalyzerOptions): ReturnType<typeof levelRangeOf> {
  return options.requestIntervals === null ? levelRangeOf(options) : { start: 1, end: 1, step: 1 };
}

function levelMaker(options: AnalyzerOptions): (value: number) => LoadLevel {
  if (options.requestIntervals !== null) {
    const arrivals: Arrivals = {
      kind: "intervals",
      intervalsUs: readRequestIntervals(options.requestIntervals),
    };
    return () => ({ kind: "rate", arrivals, value: meanRate(arrivals) });
  }
  if (options.requestRateRange === null) return (value) => ({ kind: "concurrency", concurrency: value });
  return (ratePerSecond) => ({
    kind: "rate",
    value: ratePerSecond,
    arrivals:
      options.requestDistribution === "constant"
        ? { kind: "constant", ratePerSecond }
        : { kind: "poisson", ratePerSecond, seed: options.randomSeed },
  });
}

function threadLimits(
  options: AnalyzerOptions,
  isAsync: boolean,
  hasSequences: boolean,
): { threadCount: number; maxOutstanding: number | null } {
  const isRate = isRateReport({ options });
  const maxThreads = options.maxThreads ?? defaultMaxThreads[isRate ? "rate" : "concurrency"];
  // The server may be on the same machine, and a thread keeps any number of requests outstanding.
  const affordable = Math.max(1, Math.floor(availableParallelism() / 2));
  return {
    threadCount: options.maxThreads ?? Math.min(maxThreads, affordable),
    maxOutstanding: hasSequences ? options.sequenceCount : isAsync ? null : maxThreads,
  };
}

function writeReports(
  results: readonly LevelResult[],
  context: ReportContext,
  { endpoint, sections }: { readonly endpoint: string; readonly sections: readonly PageSection[] },
): void {
  const { csvFile, profileExportFile, htmlReportFile } = context.options;
  const files = csvFile === null ? [] : [...csvFiles(csvFile, results, context)];
  if (profileExportFile !== null) {
    files.push({ path: profileExportFile, text: profileExport(results, context, endpoint) });
  }
  if (htmlReportFile !== null) {
    const text = htmlReport(results, context, { endpoint, writtenAt: new Date(), sections });
    files.push({ path: htmlReportFile, text });
  }
  for (const { path, text } of files) {
    try {
      writeFileSync(path, text);
    } catch (thrown) {
      throw new PerfError(`Cannot write ${path}: ${PerfError.from(thrown).message}`);
    }
  }
}

/** @throws PerfError for a failure that the report on stdout may hide. */
function exitCodeOf(results: readonly LevelResult[]): ExitCode {
  const last = results.at(-1);
  if (last === undefined) return exitCode.failure;
  if (last.outcome.kind === "failed") throw new PerfError(last.outcome.message);
  if (last.outcome.kind === "interrupted") return exitCode.notStable;
  if (last.summary.requestCount === 0) {
    throw new PerfError(
      "No valid requests recorded within the measurement windows: raise --measurement-interval",
      exitCode.noValidRequests,
    );
  }
  return last.outcome.kind === "unstable" ? exitCode.notStable : exitCode.ok;
}
