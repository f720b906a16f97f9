import type { LevelResult } from "../inference-profiler.ts";
import { type LatencySummary, reportedPercentiles } from "../latency-summary.ts";
import { decisiveLatencyUs, type WindowSummary } from "../measurement-window.ts";
import { isEmbedded } from "../options/service-checks.ts";
import { breakdownOf, type ServerGrowth } from "../server-statistics.ts";
import { isRateReport, levelName, levelValue, type ReportContext, reportedLevels } from "./report-context.ts";

/** Above this the threads that make load may be the limit. @see contract §9.2, 11 */
const overheadWarningPercent = 50;
const lateWarningPercent = 1;

/** The block before the first level. Ends with an empty line. */
export function formatSettings({ options, isAsync, isDecoupled }: ReportContext): string {
  const stabilizing = options.percentile === null ? "average" : `p${options.percentile}`;
  const lines = [
    "*** Measurement Settings ***",
    `  Batch size: ${options.batchSize}`,
    `  Service Kind: ${options.serviceKind.toUpperCase()}`,
  ];
  if (options.requestCount > 0) {
    lines.push(`  Sending a total of ${options.requestCount} requests`);
  } else if (options.isFixedSchedule) {
    lines.push("  Sending each entry of --input-data once");
  } else if (options.periodicConcurrencyRange !== null) {
    lines.push(`  Sending a total of ${options.periodicConcurrencyRange.end} requests`);
    lines.push(`  More requests follow after ${options.requestPeriod} responses to each`);
  } else {
    lines.push(`  Using "${options.measurementMode}" mode for stabilization`);
    lines.push(`  Stabilizing using ${stabilizing} latency and throughput`);
    lines.push(
      options.measurementMode === "time_windows"
        ? `  Measurement window: ${options.measurementIntervalMs} msec`
        : `  Minimum number of samples in each window: ${options.measurementRequestCount}`,
    );
  }
  if (options.warmupRequestCount > 0) lines.push(`  Warm-up requests: ${options.warmupRequestCount}`);
  if (options.latencyThresholdMs > 0) lines.push(`  Latency limit: ${options.latencyThresholdMs} msec`);
  if (isRateReport({ options })) {
    const distribution = options.isFixedSchedule
      ? "the timestamps of --input-data"
      : (options.requestIntervals ?? `${options.requestDistribution} distribution`);
    lines.push(`  Request schedule: ${distribution}`);
  }
  lines.push(`  Using ${isAsync ? "asynchronous" : "synchronous"} calls for inference`);
  if (options.isStreaming) {
    lines.push(options.serviceKind === "openai" ? "  Using streamed completions" : "  Using streams of gRPC");
  }
  if (isDecoupled) {
    lines.push(
      "  Detected decoupled model: latency ends with the last response; that to the first is beside it",
    );
  }
  if (options.sharedMemory !== "none") lines.push(`  Using ${options.sharedMemory} shared memory`);
  return `${lines.join("\n")}\n\n`;
}

/** The line that announces a level. */
export function formatLevelTitle(result: Pick<LevelResult, "level">): string {
  const value = levelValue(result.level);
  switch (result.level.kind) {
    case "concurrency":
      return `Request concurrency: ${value}`;
    case "rate":
      return `Request Rate: ${value} inference requests per seconds`;
    case "periodic":
      return `Periodic concurrency: ${result.level.start}:${value}:${result.level.step}`;
  }
}

/** A measurement window, for `-v`. */
export function formatWindow(trial: number, summary: WindowSummary, verbosity: number): string {
  const { latency } = summary;
  const line = `  Pass [${trial}] throughput: ${rate(summary.throughput)} infer/sec. Avg latency: ${latency.averageUs} usec (std ${whole(latency.standardDeviationUs)} usec).`;
  if (verbosity < 2) return `${line}\n`;
  const server =
    summary.server === null
      ? "no server statistics"
      : `server: ${summary.server.inferenceCount} inferences, ${summary.server.executionCount} executions`;
  return `${line}\n           ${summary.requestCount} requests in ${whole(summary.durationUs / 1e3)} msec, sent ${whole(summary.averageLagUs)} usec late on average, ${server}\n`;
}

/** All about a level. Ends with an empty line. */
export function formatLevel(result: LevelResult, context: ReportContext): string {
  const lines = [formatLevelTitle(result)];
  if (result.summary.requestCount > 0) {
    lines.push(...clientLines(result, context));
    if (result.summary.server !== null) lines.push(...serverLines(result.summary.server, context));
  }
  lines.push(...metricsLines(result.summary));
  const note = outcomeNote(result, context);
  if (note !== null) lines.push(`  ${note}`);
  return `${lines.join("\n")}\n\n`;
}

function clientLines({ summary, level }: LevelResult, { options, isDecoupled }: ReportContext): string[] {
  const { latency } = summary;
  const lines = [
    "  Client: ",
    `    Request count: ${summary.requestCount}`,
    `    Throughput: ${rate(summary.throughput)} infer/sec`,
  ];
  if (isDecoupled) {
    lines.push(`    Response count: ${summary.responseCount}`);
    lines.push(`    Response Throughput: ${rate(summary.responseThroughput)} resp/sec`);
  }
  if (summary.latePercent > lateWarningPercent) {
    lines.push(`    Avg send request rate: ${rate(summary.sendRate)} infer/sec`);
    lines.push(
      `    [WARNING] Perf Analyzer was not able to keep up with the desired request rate. ${summary.latePercent.toFixed(2)}% of the requests were delayed.`,
    );
  }
  if (summary.overheadPercent > overheadWarningPercent) {
    lines.push(`    Avg client overhead: ${summary.overheadPercent.toFixed(2)}%`);
    lines.push(
      "    [WARNING] The threads that make load are busy most of the time and may be the limit: raise --max-threads, or use another machine",
    );
  }
  if (options.percentile !== null) {
    lines.push(
      `    p${options.percentile} latency: ${whole(decisiveLatencyUs(summary, options.percentile))} usec (stabilized)`,
    );
  }
  lines.push(
    `    Avg latency: ${latency.averageUs} usec (standard deviation ${whole(latency.standardDeviationUs)} usec)`,
  );
  for (const percentile of [50, 90, 95, 99]) {
    lines.push(`    p${percentile} latency: ${whole(latency.percentilesUs.get(percentile) ?? 0)} usec`);
  }
  lines.push(...tokenLines(summary));
  if (isDecoupled) {
    const { averageUs, percentilesUs } = summary.firstResponse;
    const percentiles = reportedPercentiles.map((p) => `p${p} ${whole(percentilesUs.get(p) ?? 0)} usec`);
    lines.push(`    Avg time to first response: ${averageUs} usec (${percentiles.join(", ")})`);
  }
  if (level.kind === "rate") {
    lines.push(
      `    Avg service time: ${summary.averageServiceUs} usec (the latency also counts the ${summary.averageLagUs} usec by which requests were sent late on average)`,
    );
  }
  // The time of a decoupled model's responses is not the network's.
  if (isDecoupled) return lines;
  const sendReceiveUs = summary.averageSendUs + summary.averageReceiveUs;
  const { title, parts } = transportOf(options);
  lines.push(
    `    Avg ${title} time: ${summary.averageServiceUs} usec (${parts} ${sendReceiveUs} usec + response wait ${summary.averageWaitUs} usec)`,
  );
  return lines;
}

/** When the tokens of streamed completions came. */
function tokenLines({ tokens }: WindowSummary): string[] {
  if (tokens === null) return [];
  const line = (title: string, { averageUs, percentilesUs }: LatencySummary): string => {
    const percentiles = reportedPercentiles.map((p) => `p${p} ${whole(percentilesUs.get(p) ?? 0)} usec`);
    return `    Avg ${title}: ${averageUs} usec (${percentiles.join(", ")})`;
  };
  return [
    line("time to first token", tokens.firstToken),
    line("inter-token latency", tokens.interToken),
    `    Output token throughput: ${rate(tokens.tokensPerSecond)} tokens/sec (${tokens.tokenCount} tokens, ${rate(tokens.tokensPerRequest)} per request)`,
  ];
}

/** What the time of a request is called, and that of sending and receiving. */
function transportOf(options: ReportContext["options"]): { title: string; parts: string } {
  if (isEmbedded(options)) return { title: "in-process", parts: "send/recv" };
  return options.protocol === "http"
    ? { title: "HTTP", parts: "send/recv" }
    : { title: "gRPC", parts: "(un)marshal request/response" };
}

function serverLines(growth: ServerGrowth, context: ReportContext): string[] {
  const lines = ["  Server: ", ...modelLines(growth, context, "    ")];
  const composing = flatComposing(growth);
  if (composing.length > 0) {
    lines.push("", "  Composing models: ");
    for (const inner of composing) {
      lines.push(`  ${inner.name}, version: ${inner.version}`, ...modelLines(inner, context, "      "));
    }
  }
  return lines;
}

function metricsLines({ metrics, metricsFailure }: WindowSummary): string[] {
  if (metrics === null) return [];
  const lines = ["  Server metrics: ", `    Readings: ${metrics.readingCount}`];
  const add = (title: string, value: number | null, unit: (value: number) => string): void => {
    if (value !== null) lines.push(`    ${title}: ${unit(value)}`);
  };
  const percent = (value: number): string => `${(value * 100).toFixed(1)} %`;
  const megabytes = (value: number): string => `${(value / 1e6).toFixed(1)} MB`;
  add("Avg CPU Utilization", metrics.averageCpuUtilization, percent);
  add("Max CPU Memory Usage", metrics.maxCpuMemoryUsedBytes, megabytes);
  add("Total CPU Memory", metrics.cpuMemoryTotalBytes, megabytes);
  add("Avg pending requests", metrics.averagePendingRequestCount, (value) => value.toFixed(2));
  for (const gpu of metrics.gpus) {
    add(`Avg GPU Utilization, ${gpu.uuid}`, gpu.averageUtilization, percent);
    add(`Avg GPU Power Usage, ${gpu.uuid}`, gpu.averagePowerWatts, (value) => `${value.toFixed(1)} W`);
    add(`Max GPU Memory Usage, ${gpu.uuid}`, gpu.maxMemoryUsedBytes, megabytes);
    add(`Total GPU Memory, ${gpu.uuid}`, gpu.memoryTotalBytes, megabytes);
  }
  if (metrics.readingCount === 0 && metricsFailure === null) {
    lines.push("    [WARNING] Not read in these windows: lower --metrics-interval");
  }
  if (metricsFailure !== null) lines.push(`    [WARNING] Some readings failed: ${metricsFailure}`);
  return lines;
}

/** The models inside an ensemble, in depth first order. */
export function flatComposing(growth: ServerGrowth): readonly ServerGrowth[] {
  return growth.composing.flatMap((inner) => [inner, ...flatComposing(inner)]);
}

function modelLines(growth: ServerGrowth, { hasResponseCache }: ReportContext, indent: string): string[] {
  const breakdown = breakdownOf(growth);
  const lines = [
    `${indent}Inference count: ${growth.inferenceCount}`,
    `${indent}Execution count: ${growth.executionCount}`,
  ];
  const { cache_hit: hit, cache_miss: miss, success, fail } = growth.durations;
  if (hasResponseCache) {
    lines.push(`${indent}Cache hit count: ${hit.count}`, `${indent}Cache miss count: ${miss.count}`);
  }
  lines.push(`${indent}Successful request count: ${success.count}`);
  if (fail.count > 0) lines.push(`${indent}Failed request count: ${fail.count}`);
  const cacheUs = breakdown.cacheHitUs + breakdown.cacheMissUs;
  const parts = [`overhead ${breakdown.overheadUs} usec`, `queue ${breakdown.queueUs} usec`];
  if (growth.isEnsemble) {
    const computeUs = breakdown.computeInputUs + breakdown.computeInferUs + breakdown.computeOutputUs;
    parts.push(`compute ${computeUs} usec`);
  } else {
    parts.push(`compute input ${breakdown.computeInputUs} usec`);
    parts.push(`compute infer ${breakdown.computeInferUs} usec`);
    parts.push(`compute output ${breakdown.computeOutputUs} usec`);
  }
  if (hasResponseCache || cacheUs > 0) {
    parts.push(`cache hit ${breakdown.cacheHitUs} usec`, `cache miss ${breakdown.cacheMissUs} usec`);
  }
  lines.push(`${indent}Avg request latency: ${breakdown.requestUs} usec (${parts.join(" + ")})`);
  return lines;
}

function outcomeNote({ outcome, summary }: LevelResult, { options }: ReportContext): string | null {
  switch (outcome.kind) {
    case "stable":
      return outcome.warning === null ? null : `[WARNING] ${outcome.warning}`;
    case "above limit":
      return `The latency is above the limit of ${options.latencyThresholdMs} msec`;
    case "unstable":
      return `Failed to obtain stable measurement within ${options.maxTrials} measurement windows: raise --measurement-interval, --measurement-request-count or --max-trials`;
    case "interrupted":
      return summary.requestCount > 0 ? "Interrupted: this is what was measured until then" : "Interrupted";
    case "failed":
      return summary.requestCount > 0
        ? `Failed, this is what was measured until then: ${outcome.message}`
        : `Failed: ${outcome.message}`;
  }
}

/** The table of levels at the end. "" when nothing was measured. */
export function formatSummary(results: readonly LevelResult[], { options }: ReportContext): string {
  const levels = reportedLevels(results);
  if (levels.length === 0) return "";
  const what = options.percentile === null ? "Average" : `p${options.percentile}`;
  const lines = levels.map(({ level, summary }) => {
    const latencyUs = whole(decisiveLatencyUs(summary, options.percentile));
    return `${levelName(level)}: ${levelValue(level)}, throughput: ${rate(summary.throughput)} infer/sec, latency ${latencyUs} usec`;
  });
  return `Inferences/Second vs. Client ${what} Batch Latency\n${lines.join("\n")}\n`;
}

function rate(value: number): string {
  return String(Number(value.toFixed(value >= 100 ? 2 : 4)));
}

function whole(value: number): string {
  return String(Math.floor(value));
}
