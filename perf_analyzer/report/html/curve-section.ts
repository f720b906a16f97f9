import type { LevelResult } from "../../inference-profiler.ts";
import { decisiveLatencyUs } from "../../measurement-window.ts";
import { levelValue, type ReportContext } from "../report-context.ts";
import { formatQuantity, linearScale } from "./axis-scale.ts";
import { type DataTable, renderTable } from "./data-table.ts";
import { levelHeader, levelName, outcomeText, wholeUs } from "./level-text.ts";
import { type ChartPoint, renderLineChart } from "./line-chart.ts";
import type { PageSection } from "./page.ts";

/** Latency by throughput, a point for each level. @param levels - At least one. */
export function curveSection(levels: readonly LevelResult[], context: ReportContext): PageSection {
  const { percentile } = context.options;
  const curves = [...(percentile === null || [50, 99].includes(percentile) ? [] : [percentile]), 50, 99].map(
    (each) => ({ label: `p${each}`, latencyUs: (level: LevelResult) => percentileUs(level, each) }),
  );
  const average = { label: "average", latencyUs: (level: LevelResult) => level.summary.latency.averageUs };
  const series = [average, ...curves].map(({ label, latencyUs }) => ({
    label,
    points: levels.map(
      (level): ChartPoint => ({
        x: level.summary.throughput,
        y: latencyUs(level) / 1e3,
        label: `${levelName(level)}: ${formatQuantity(level.summary.throughput)} infer/s, ${label} ${formatQuantity(latencyUs(level) / 1e3)} ms`,
      }),
    ),
  }));
  const best = levels.reduce((a, b) => (b.summary.throughput > a.summary.throughput ? b : a));
  const highest = series.flatMap(({ points }) => points.map(({ y }) => y));
  return {
    heading: "Latency by throughput",
    text: `Each point is a level of load, joined in the order of measurement. The highest throughput, ${formatQuantity(best.summary.throughput)} inferences/s, was reached at ${levelName(best)} with a latency of ${formatQuantity(decisiveLatencyUs(best.summary, percentile) / 1e3)} ms.`,
    content: [
      renderLineChart({
        id: "curve",
        title: "Latency by throughput",
        description: `Average, p50 and p99 latency of ${levels.length} level(s) of load by their throughput. The table below has the numbers.`,
        x: {
          label: "inferences per second",
          scale: linearScale(Math.max(...levels.map(({ summary }) => summary.throughput))),
        },
        y: { label: "latency, ms", scale: linearScale(Math.max(...highest)) },
        series,
        isJoined: true,
      }),
      renderTable(levelTable(levels, context)),
    ],
  };
}

function levelTable(levels: readonly LevelResult[], context: ReportContext): DataTable {
  const percentiles = [...(levels[0]?.summary.latency.percentilesUs.keys() ?? [])];
  return {
    caption: "Levels of load; latencies in µs",
    headers: [
      levelHeader(context),
      "Inferences/s",
      "Requests",
      "Average",
      "Std. deviation",
      ...percentiles.map((percentile) => `p${percentile}`),
      "Outcome",
    ],
    rows: levels.map((result) => [
      levelValue(result.level),
      result.summary.throughput.toFixed(2),
      String(result.summary.requestCount),
      wholeUs(result.summary.latency.averageUs),
      wholeUs(result.summary.latency.standardDeviationUs),
      ...percentiles.map((percentile) => wholeUs(percentileUs(result, percentile))),
      outcomeText(result.outcome, context),
    ]),
  };
}

function percentileUs({ summary }: LevelResult, percentile: number): number {
  return summary.latency.percentilesUs.get(percentile) ?? 0;
}
