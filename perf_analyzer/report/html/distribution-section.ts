import type { LevelResult } from "../../inference-profiler.ts";
import { stableWindowCount } from "../../stability.ts";
import { levelValue, type ReportContext } from "../report-context.ts";
import { logarithmicScale, tailScale } from "./axis-scale.ts";
import { renderTable } from "./data-table.ts";
import { levelHeader, levelName, wholeUs } from "./level-text.ts";
import { type ChartPoint, renderLineChart } from "./line-chart.ts";
import type { PageSection } from "./page.ts";

/** The distribution of more levels cannot be told apart: they are taken evenly from all. */
const maxDistributions = 8;
/** Points of a distribution's line up to its first slow percent, and as many for each next tenth of the rest. */
const pointsPerNine = 24;

/** How latencies are spread, a line for each level. @param levels - At least one. */
export function distributionSection(levels: readonly LevelResult[], context: ReportContext): PageSection {
  const stride = Math.max(1, (levels.length - 1) / (maxDistributions - 1));
  const shown =
    levels.length <= maxDistributions
      ? levels
      : Array.from({ length: maxDistributions }, (_, i) => levels[Math.round(i * stride)]).filter(
          (level) => level !== undefined,
        );
  const sorted = shown.map((level) => ({ level, latenciesMs: latenciesOf(level) }));
  const longest = Math.max(...sorted.map(({ latenciesMs }) => latenciesMs.length));
  const lowest = Math.min(...sorted.map(({ latenciesMs }) => latenciesMs[0] ?? 1));
  const highest = Math.max(...sorted.map(({ latenciesMs }) => latenciesMs.at(-1) ?? 1));
  const quantiles = [50, 90, 99, 99.9];
  return {
    heading: "Latency distribution",
    text: `How many requests were answered within which time; the axis spreads the slowest ones out.${shown.length < levels.length ? ` ${shown.length} of ${levels.length} levels are drawn.` : ""}`,
    content: [
      renderLineChart({
        id: "distribution",
        title: "Latency by percentile",
        description: `One line for each of ${shown.length} level(s) of load, from the fastest request to the slowest. The table below has the main percentiles.`,
        x: { label: "share of the requests that were at most as slow", scale: tailScale(longest) },
        y: { label: "latency, ms", scale: logarithmicScale(Math.max(lowest, 1e-3), Math.max(highest, 1e-3)) },
        series: sorted.map(({ level, latenciesMs }) => ({
          label: levelName(level),
          points: distributionPoints(latenciesMs),
        })),
        isJoined: true,
      }),
      renderTable({
        caption: "Latencies of the measured requests, in µs",
        headers: [levelHeader(context), "Fastest", ...quantiles.map((quantile) => `p${quantile}`), "Slowest"],
        rows: sorted.map(({ level, latenciesMs }) => [
          levelValue(level.level),
          wholeUs((latenciesMs[0] ?? 0) * 1e3),
          ...quantiles.map((quantile) => wholeUs(quantileOf(latenciesMs, quantile) * 1e3)),
          wholeUs((latenciesMs.at(-1) ?? 0) * 1e3),
        ]),
      }),
    ],
  };
}

/** The latencies of the windows that the result is made of, ascending, in ms. */
function latenciesOf({ windows }: LevelResult): Float64Array {
  const records = windows.slice(-stableWindowCount).flatMap(({ requests }) => requests);
  return Float64Array.from(records, ({ record }) => (record.endUs - record.intendedUs) / 1e3).sort();
}

function distributionPoints(latenciesMs: Float64Array): readonly ChartPoint[] {
  const nines = Math.log10(Math.max(10, latenciesMs.length));
  const count = Math.ceil(nines * pointsPerNine);
  return Array.from({ length: count + 1 }, (_, i) => {
    const percentile = 100 * (1 - 10 ** ((-nines * i) / count));
    return { x: percentile, y: quantileOf(latenciesMs, percentile), label: "" };
  });
}

/** By the same rule as the percentiles of the report. @see contract §9.2, 6 */
function quantileOf(sorted: Float64Array, percentile: number): number {
  return sorted[Math.floor((percentile / 100) * (sorted.length - 1) + 0.5)] ?? 0;
}
