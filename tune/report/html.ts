import { formatQuantity, linearScale } from "../../perf_analyzer/report/html/axis-scale.ts";
import { renderTable } from "../../perf_analyzer/report/html/data-table.ts";
import { escapeHtml } from "../../perf_analyzer/report/html/html-text.ts";
import { type ChartPoint, renderLineChart } from "../../perf_analyzer/report/html/line-chart.ts";
import { type PageSection, renderPage } from "../../perf_analyzer/report/html/page.ts";
import { describeSettings } from "../candidate-settings.ts";
import { describeGoal } from "../tune-goal.ts";
import type { TuneReport } from "../tune-report.ts";
import type { RankedCandidate } from "../tuning-session.ts";
import { adviceText, gainText, headline, notesOf } from "./text.ts";

/** The report as one page that needs nothing but itself. */
export function tuneHtml(report: TuneReport, writtenAt: Date): string {
  const { subject, request, ranking, failures } = report;
  return renderPage({
    title: `nereid tune: ${subject.name}`,
    facts: [
      ["Model", subject.directory],
      ["Tuned for", describeGoal(request.goal)],
      ["Search", `${request.search}, at concurrency ${request.concurrencies.join(", ")}`],
      ["Written", writtenAt.toISOString()],
    ],
    sections: [
      adviceSection(report),
      ...(ranking.length === 0 ? [] : [rankingSection(ranking)]),
      ...(failures.length === 0 ? [] : [failureSection(report)]),
    ],
  });
}

function adviceSection(report: TuneReport): PageSection {
  const { advice } = report;
  return {
    heading: "Result",
    text: `${headline(report)} ${adviceText(report)}`,
    content: advice.kind === "change" ? [`<pre>${escapeHtml(advice.configText)}</pre>`] : [],
  };
}

function rankingSection(ranking: readonly RankedCandidate[]): PageSection {
  const pointOf = (candidate: RankedCandidate): ChartPoint => ({
    x: candidate.best.throughput,
    y: candidate.best.p99Ms,
    label: `${describeSettings(candidate.settings)}: ${formatQuantity(candidate.best.throughput)} infer/s, p99 ${formatQuantity(candidate.best.p99Ms)} ms`,
  });
  const groups = [
    { label: "current", members: ranking.filter(({ isCurrent }) => isCurrent) },
    { label: "best", members: ranking.slice(0, 1).filter(({ isCurrent }) => !isCurrent) },
    { label: "others", members: ranking.slice(1).filter(({ isCurrent }) => !isCurrent) },
  ].filter(({ members }) => members.length > 0);
  return {
    heading: "Candidates",
    text: "Each point is a candidate; further to the right is more throughput, further down is less latency.",
    content: [
      renderLineChart({
        id: "candidates",
        title: "p99 latency by throughput of the candidates",
        description: `${ranking.length} candidate(s). The table below has the numbers.`,
        x: {
          label: "inferences per second",
          scale: linearScale(Math.max(...ranking.map(({ best }) => best.throughput))),
        },
        y: {
          label: "p99 latency, ms",
          scale: linearScale(Math.max(...ranking.map(({ best }) => best.p99Ms))),
        },
        series: groups.map(({ label, members }) => ({ label, points: members.map(pointOf) })),
        isJoined: false,
      }),
      renderTable({
        caption: "Candidates, the best first; latencies in ms",
        headers: [
          "Rank",
          "Settings",
          "Inferences/s",
          "Average",
          "p50",
          "p95",
          "p99",
          "Memory, MB",
          "Concurrency",
          "Gain",
          "Notes",
        ],
        rows: ranking.map((candidate, i) => {
          const { best, settings } = candidate;
          return [
            String(i + 1),
            describeSettings(settings),
            best.throughput.toFixed(1),
            best.averageMs.toFixed(2),
            best.p50Ms.toFixed(2),
            best.p95Ms.toFixed(2),
            best.p99Ms.toFixed(2),
            best.memoryMb === null ? "unknown" : best.memoryMb.toFixed(0),
            String(best.concurrency),
            gainText(candidate),
            notesOf(candidate).join(", "),
          ];
        }),
      }),
    ],
  };
}

function failureSection({ failures }: TuneReport): PageSection {
  return {
    heading: "Candidates that could not be measured",
    text: "They are no part of the ranking.",
    content: [
      renderTable({
        caption: "Candidates with the reasons",
        headers: ["Settings", "Reason"],
        rows: failures.map(({ settings, reason }) => [describeSettings(settings), reason]),
      }),
    ],
  };
}
