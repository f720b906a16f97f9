import type { LevelResult } from "../inference-profiler.ts";
import type { TokenSummary } from "../token-summary.ts";
import type { GpuSummary, MetricsSummary } from "../server-metrics/metrics-summary.ts";
import { breakdownOf, type ServerGrowth } from "../server-statistics.ts";
import { isRateReport, levelValue, type ReportContext, reportedLevels } from "./report-context.ts";
import { flatComposing } from "./text.ts";

/** A file to write. */
export interface CsvFile {
  readonly path: string;
  readonly text: string;
}

type Cells = readonly (readonly [header: string, value: string])[];

function whole(value: number): string {
  return String(Math.floor(value));
}

/**
 * The report as CSV, sorted by throughput, and one more file for each model inside an ensemble.
 *
 * @see contract §9.4
 */
export function csvFiles(
  path: string,
  results: readonly LevelResult[],
  context: ReportContext,
): readonly CsvFile[] {
  const levels = [...reportedLevels(results)].sort((a, b) => a.summary.throughput - b.summary.throughput);
  const files = [
    {
      path,
      text: csvOf(
        levels.map((result) => [
          ...loadCells(result, result.summary.server, context),
          ...clientCells(result, context),
        ]),
      ),
    },
  ];
  const server = levels.find(({ summary }) => summary.server !== null)?.summary.server ?? null;
  const composing = server === null ? [] : flatComposing(server);
  composing.forEach(({ name, version }, i) => {
    const rows = levels.map((result) => {
      const growth = result.summary.server;
      return loadCells(result, growth === null ? null : (flatComposing(growth)[i] ?? null), context);
    });
    files.push({ path: besideFile(path, `${name}_v${version}`), text: csvOf(rows) });
  });
  return files;
}

function besideFile(path: string, name: string): string {
  const slash = Math.max(path.lastIndexOf("/"), path.lastIndexOf("\\"));
  return `${path.slice(0, slash + 1)}${name}.${path.slice(slash + 1)}`;
}

function csvOf(rows: readonly Cells[]): string {
  const [first] = rows;
  if (first === undefined) return "";
  const lines = [first.map(([header]) => header), ...rows.map((cells) => cells.map(([, value]) => value))];
  return lines.map((cells) => `${cells.join(",")}\n`).join("");
}

/** What the rows of every model have. */
function loadCells(result: LevelResult, growth: ServerGrowth | null, context: ReportContext): Cells {
  const { summary } = result;
  const server = growth === null ? null : breakdownOf(growth);
  const cell = (value: number | undefined): string => (value === undefined ? "" : whole(value));
  const serverUs =
    server === null
      ? 0
      : server.queueUs +
        server.computeInputUs +
        server.computeInferUs +
        server.computeOutputUs +
        server.cacheHitUs +
        server.cacheMissUs;
  const elsewhereUs = Math.max(
    0,
    summary.latency.averageUs - summary.averageSendUs - summary.averageReceiveUs - serverUs,
  );
  const cache: Cells = context.hasResponseCache
    ? [
        ["Server Cache Hit", cell(server?.cacheHitUs)],
        ["Server Cache Miss", cell(server?.cacheMissUs)],
      ]
    : [];
  return [
    // A periodic level has Triton's column too: its value is the count of requests.
    [isRateReport(context) ? "Request Rate" : "Concurrency", levelValue(result.level)],
    ["Inferences/Second", String(Number(summary.throughput.toFixed(4)))],
    ...(context.isDecoupled
      ? [["Response Throughput", String(Number(summary.responseThroughput.toFixed(4)))] as const]
      : []),
    ["Client Send", whole(summary.averageSendUs)],
    ["Network+Server Send/Recv", whole(elsewhereUs)],
    ["Server Queue", cell(server?.queueUs)],
    ["Server Compute Input", cell(server?.computeInputUs)],
    ["Server Compute Infer", cell(server?.computeInferUs)],
    ["Server Compute Output", cell(server?.computeOutputUs)],
    ...cache,
    ["Client Recv", whole(summary.averageReceiveUs)],
  ];
}

/** What only the client sees: of the model that it calls, and of none inside it. */
function clientCells(result: LevelResult, context: ReportContext): Cells {
  const { summary } = result;
  const percentiles = [...summary.latency.percentilesUs].map(
    ([percentile, latencyUs]) => [`p${percentile} latency`, whole(latencyUs)] as const,
  );
  return [
    ...percentiles,
    ...tokenCells(summary.tokens),
    ...(context.options.isVerboseCsv ? verboseCells(result, context) : []),
  ];
}

/** Of streamed completions. All levels send the same requests, so that either each or none of them has tokens. */
function tokenCells(tokens: TokenSummary | null): Cells {
  if (tokens === null) return [];
  return [
    ["Avg Time To First Token", whole(tokens.firstToken.averageUs)],
    ["p99 Time To First Token", whole(tokens.firstToken.percentilesUs.get(99) ?? 0)],
    ["Avg Inter Token Latency", whole(tokens.interToken.averageUs)],
    ["p99 Inter Token Latency", whole(tokens.interToken.percentilesUs.get(99) ?? 0)],
    ["Output Tokens/Second", String(Number(tokens.tokensPerSecond.toFixed(4)))],
  ];
}

function verboseCells({ summary }: LevelResult, { options, isDecoupled }: ReportContext): Cells {
  return [
    ...(options.percentile === null ? [["Avg latency", whole(summary.latency.averageUs)] as const] : []),
    ["request/response", whole(summary.averageSendUs + summary.averageReceiveUs)],
    ["response wait", whole(summary.averageWaitUs)],
    ...(isDecoupled ? [["Avg time to first response", whole(summary.firstResponse.averageUs)] as const] : []),
    ...(summary.metrics === null ? [] : metricsCells(summary.metrics)),
  ];
}

/** Triton's columns, then those of a server without a GPU. A cell lists GPUs as `uuid:value;`. */
function metricsCells(metrics: MetricsSummary): Cells {
  const perGpu = (valueOf: (gpu: GpuSummary) => number | null): string =>
    metrics.gpus
      .map((gpu) => {
        const value = valueOf(gpu);
        return value === null ? "" : `${gpu.uuid}:${decimal(value)};`;
      })
      .join("");
  const cell = (value: number | null): string => (value === null ? "" : decimal(value));
  return [
    ["Avg GPU Utilization", perGpu(({ averageUtilization }) => averageUtilization)],
    ["Avg GPU Power Usage", perGpu(({ averagePowerWatts }) => averagePowerWatts)],
    ["Max GPU Memory Usage", perGpu(({ maxMemoryUsedBytes }) => maxMemoryUsedBytes)],
    ["Total GPU Memory", perGpu(({ memoryTotalBytes }) => memoryTotalBytes)],
    ["Avg CPU Utilization", cell(metrics.averageCpuUtilization)],
    ["Max CPU Memory Usage", cell(metrics.maxCpuMemoryUsedBytes)],
    ["Total CPU Memory", cell(metrics.cpuMemoryTotalBytes)],
    ["Avg Pending Requests", cell(metrics.averagePendingRequestCount)],
  ];
}

function decimal(value: number): string {
  return String(Number(value.toFixed(4)));
}
