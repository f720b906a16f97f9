import type { CandidateSettings } from "../candidate-settings.ts";
import type { TuneReport } from "../tune-report.ts";
import { notesOf } from "./text.ts";

/** Columns of Model Analyzer's name where it has them. @see contract §10 */
const headers = [
  "rank",
  "model_name",
  "batch_size",
  "concurrency",
  "instance_group",
  "thread_count",
  "max_batch_size",
  "max_queue_delay_microseconds",
  "satisfies_constraints",
  "perf_throughput",
  "perf_latency_avg",
  "perf_latency_p50",
  "perf_latency_p90",
  "perf_latency_p95",
  "perf_latency_p99",
  "cpu_used_ram",
  "gain_percent",
  "samples",
  "notes",
] as const;

/** All candidates, the ranked ones first. Latencies in ms, memory in MB. Ends with a newline. */
export function tuneCsv({ subject, request, ranking, failures }: TuneReport): string {
  const rows = [
    ...ranking.map((candidate, i) => {
      const { best } = candidate;
      return [
        String(i + 1),
        subject.name,
        String(request.rowsPerRequest),
        String(best.concurrency),
        ...settingCells(candidate.settings),
        candidate.isSatisfying ? "Yes" : "No",
        best.throughput.toFixed(2),
        ...[best.averageMs, best.p50Ms, best.p90Ms, best.p95Ms, best.p99Ms].map((ms) => ms.toFixed(3)),
        best.memoryMb?.toFixed(1) ?? "",
        ((candidate.gain - 1) * 100).toFixed(2),
        String(candidate.sampleCount),
        notesOf(candidate).join("; "),
      ];
    }),
    ...failures.map(({ settings, reason, isCurrent }) => [
      "",
      subject.name,
      String(request.rowsPerRequest),
      "",
      ...settingCells(settings),
      ...Array<string>(10).fill(""),
      `${isCurrent ? "current; " : ""}failed: ${reason}`,
    ]),
  ];
  return [headers, ...rows].map((cells) => `${cells.map(quoted).join(",")}\n`).join("");
}

function settingCells({
  instanceCount,
  threadCount,
  maxBatchSize,
  queueDelayUs,
}: CandidateSettings): string[] {
  return [instanceCount, threadCount, maxBatchSize, queueDelayUs].map((value) =>
    value === null ? "" : String(value),
  );
}

/** @see RFC 4180 */
function quoted(cell: string): string {
  return /[",\r\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell;
}
