import type { LevelResult } from "../../inference-profiler.ts";
import { breakdownOf, type ServerBreakdown } from "../../server-statistics.ts";
import { levelValue, type ReportContext } from "../report-context.ts";
import { renderTable } from "./data-table.ts";
import { levelHeader, levelName, wholeUs } from "./level-text.ts";
import type { PageSection } from "./page.ts";
import { renderStackedBars } from "./stacked-bars.ts";

/** Where an average request spends its time, in order; together they are its latency. */
const breakdownParts = [
  "client send",
  "network and front end",
  "server overhead",
  "queue",
  "compute input",
  "compute infer",
  "compute output",
  "cache",
  "client receive",
] as const;

/** Where the time of an average request goes, a bar for each level. @param levels - At least one. */
export function breakdownSection(levels: readonly LevelResult[], context: ReportContext): PageSection {
  const rows = levels.map((level) => ({ level, values: breakdownValues(level) }));
  const hasServer = levels.some(({ summary }) => summary.server !== null);
  return {
    heading: "Where the time goes",
    text: hasServer
      ? "An average request of each level, from the client's clocks and the server's statistics. What the server does not account for is network and front end; under a request rate it also holds the time by which requests were sent late."
      : "The server has no statistics, so its share is within “network and front end”.",
    content: [
      renderStackedBars({
        id: "breakdown",
        title: "Parts of the average latency",
        description: `One bar for each of ${levels.length} level(s) of load. The table below has the numbers.`,
        unit: "µs of an average request",
        parts: breakdownParts,
        bars: rows.map(({ level, values }) => ({ label: levelName(level), values })),
      }),
      renderTable({
        caption: "Parts of the average latency, in µs",
        headers: [levelHeader(context), ...breakdownParts],
        rows: rows.map(({ level, values }) => [levelValue(level.level), ...values.map(wholeUs)]),
      }),
    ],
  };
}

function breakdownValues({ summary }: LevelResult): readonly number[] {
  const server: ServerBreakdown | null = summary.server === null ? null : breakdownOf(summary.server);
  const cacheUs = server === null ? 0 : server.cacheHitUs + server.cacheMissUs;
  const parts = [
    server?.overheadUs ?? 0,
    server?.queueUs ?? 0,
    server?.computeInputUs ?? 0,
    server?.computeInferUs ?? 0,
    server?.computeOutputUs ?? 0,
    cacheUs,
  ];
  const inServerUs = parts.reduce((sum, part) => sum + part, 0);
  const { averageSendUs, averageReceiveUs } = summary;
  const elsewhereUs = Math.max(0, summary.latency.averageUs - averageSendUs - averageReceiveUs - inServerUs);
  return [averageSendUs, elsewhereUs, ...parts, averageReceiveUs];
}
