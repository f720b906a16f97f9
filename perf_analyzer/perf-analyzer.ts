import { writeFileSync } from "node:fs";
import process from "node:process";
import { analyzerVersion } from "./analyzer-version.ts";
import type { ModelDescription } from "./client-backend/model-description.ts";
import { type ServerClient, ServerRefusal } from "./client-backend/server-client.ts";
import { metricsUrlOf } from "./client-backend/target.ts";
import { systemProfilerClock } from "./clock.ts";
import { type ExitCode, exitCode, PerfError } from "./exit-code.ts";
import { planRequests, type RequestPlan } from "./infer-data/request-plan.ts";
import { InferenceProfiler, type LevelResult, type ProfilerObserver } from "./inference-profiler.ts";
import { searchLevels } from "./level-search.ts";
import { buildLoadPlan, readsOutputs } from "./load-plan-builder.ts";
import { type LoadShape, loadShapeOf } from "./load-shape.ts";
import { ThreadedLoadManager } from "./load-manager/load-manager.ts";
import { type MeasuredModel, measuredModel } from "./measured-model.ts";
import type { AnalyzerOptions } from "./options/analyzer-options.ts";
import type { ProgressLine } from "./progress-line.ts";
import { csvFiles } from "./report/csv.ts";
import { profileExport } from "./report/json.ts";
import { isRateReport, type ReportContext } from "./report/report-context.ts";
import { formatLevel, formatLevelTitle, formatSettings, formatSummary, formatWindow } from "./report/text.ts";
import {
  fetchMetricsPage,
  MetricsCollector,
  type MetricsSource,
} from "./server-metrics/metrics-collector.ts";
import { readStatistics } from "./server-statistics.ts";
import { openService } from "./service/open-service.ts";
import type { Service } from "./service/service.ts";
import { layOut, type SharedLayout } from "./shared-memory/shared-layout.ts";
import { SharedRegions } from "./shared-memory/shared-regions.ts";
import { traceSettingsOf } from "./trace-settings.ts";

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
  const service = await openService(options);
  try {
    const model = await measuredModel(service.client, options);
    return await measure(options, model, service, surroundings);
  } finally {
    await service.client.close();
  }
}

async function measure(
  options: AnalyzerOptions,
  model: MeasuredModel,
  service: Service,
  surroundings: RunSurroundings,
): Promise<ExitCode> {
  const { description } = model;
  const data = service.loadData(description);
  const plan = planRequests(data, description, options.batchSize);
  const isAsync = options.isAsync ?? (description.hasSequenceBatching || options.isStreaming);
  const shape = loadShapeOf(options, description, data, isAsync);
  const context: ReportContext = {
    options,
    isAsync,
    hasResponseCache: description.hasResponseCache,
    isDecoupled: description.isDecoupled,
    plan,
    version: analyzerVersion,
  };
  await setTrace(options, service.client);
  const layout = sharedLayoutOf(options, description, plan, shape);
  const regions = layout === null ? null : await SharedRegions.register(layout, plan, service.client);
  const results: LevelResult[] = [];
  let failure: unknown = null;
  try {
    const loadPlan = buildLoadPlan(options, description, plan, service, layout);
    const load = new ThreadedLoadManager(() => service.startThread(loadPlan), {
      ...shape.limits,
      threadCount: Math.min(shape.limits.threadCount, service.maxThreadCount ?? Number.POSITIVE_INFINITY),
    });
    await measureLevels({ context, shape, load, model, client: service.client }, surroundings, results);
  } catch (thrown) {
    // What earlier levels have shown is written all the same.
    if (results.length === 0) throw thrown;
    failure = thrown;
  } finally {
    await regions?.close();
  }
  surroundings.print(formatSummary(results, context));
  writeReports(results, context, service.endpoint);
  if (failure !== null) throw PerfError.from(failure);
  return exitCodeOf(results);
}

/** What the levels are measured with. The measuring owns `load`. */
interface Measuring {
  readonly context: ReportContext;
  readonly shape: LoadShape;
  readonly load: ThreadedLoadManager;
  readonly model: MeasuredModel;
  readonly client: ServerClient;
}

/** Measures one level after the other. Adds them to `results`. */
async function measureLevels(
  { context, shape, load, model, client }: Measuring,
  surroundings: RunSurroundings,
  results: LevelResult[],
): Promise<void> {
  const { options, isAsync } = context;
  let metrics: MetricsCollector | null = null;
  try {
    metrics = options.collectsMetrics ? await MetricsCollector.start(metricsSource(options)) : null;
    surroundings.print(formatSettings(context));
    const profiler = new InferenceProfiler(
      { ...options, isAsync, requestCount: shape.requestCount },
      {
        load,
        clock: systemProfilerClock,
        readStatistics: () => readStatistics(client, model.statistics),
        takeMetrics: () => metrics?.take() ?? null,
        signal: surroundings.signal,
        observer: observerOf(options, surroundings),
      },
    );
    const profileLevel = (value: number): Promise<LevelResult> => {
      const level = shape.levelOf(value);
      if (options.verbosity > 0) surroundings.print(`${formatLevelTitle({ level })}\n`);
      return profiler.profile(level);
    };
    const rule = {
      ...options,
      range: shape.range,
      isBinary: options.isBinarySearch,
      isInteger: !isRateReport(context),
    };
    for await (const result of searchLevels(rule, profileLevel)) {
      surroundings.progress.clear();
      results.push(result);
      surroundings.print(formatLevel(result, context));
    }
  } finally {
    await metrics?.close();
    await load.close();
  }
}

function observerOf(options: AnalyzerOptions, { print, progress }: RunSurroundings): ProfilerObserver {
  return {
    onWindow: (trial, summary) => {
      progress.clear();
      if (options.verbosity > 0) print(formatWindow(trial, summary, options.verbosity));
    },
    onProgress: (trial, count, elapsedUs) =>
      progress.show(`window ${trial}: ${count} requests in ${(elapsedUs / 1e6).toFixed(1)} s`),
  };
}

/** Rejects with PerfError when the server refuses. */
async function setTrace(options: AnalyzerOptions, client: ServerClient): Promise<void> {
  const settings = traceSettingsOf(options);
  if (settings === null) return;
  await client.updateTraceSettings(options.modelName, settings).catch((thrown: unknown) => {
    if (!(thrown instanceof ServerRefusal)) throw thrown;
    throw new PerfError(`The server does not take the trace settings: ${thrown.message}`);
  });
}

function metricsSource(options: AnalyzerOptions): MetricsSource {
  return {
    url: metricsUrlOf(options),
    modelName: options.modelName,
    intervalMs: options.metricsIntervalMs,
    clock: systemProfilerClock,
    fetchPage: fetchMetricsPage,
  };
}

/**
 * Where tensors lie in shared memory; `null` when they travel.
 *
 * @throws PerfError when outputs would be read that other requests may overwrite.
 */
function sharedLayoutOf(
  options: AnalyzerOptions,
  model: ModelDescription,
  plan: RequestPlan,
  shape: LoadShape,
): SharedLayout | null {
  if (options.sharedMemory === "none") return null;
  // Who does not read the outputs does not mind that they overwrite each other.
  const isRead = readsOutputs(options, plan);
  if (isRead && model.isDecoupled) {
    throw new PerfError(
      "--shared-memory=system cannot be read with a decoupled model, whose responses overwrite each other: leave validation data and --profile-export-file out",
    );
  }
  if (isRead && shape.maxOutstanding === null) {
    throw new PerfError(
      "--shared-memory=system with validation data or --profile-export-file needs a bound of outstanding requests: give --sync, or --concurrency-range with an end",
    );
  }
  return layOut(plan, model, {
    batchSize: options.batchSize,
    outputBytes: options.outputSharedMemoryBytes,
    laneCount: isRead ? (shape.maxOutstanding ?? 1) : 1,
    prefix: `nereid-perf-${process.pid}`,
  });
}

function writeReports(results: readonly LevelResult[], context: ReportContext, endpoint: string): void {
  const { csvFile, profileExportFile } = context.options;
  const files = csvFile === null ? [] : [...csvFiles(csvFile, results, context)];
  if (profileExportFile !== null) {
    files.push({ path: profileExportFile, text: profileExport(results, context, endpoint) });
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
