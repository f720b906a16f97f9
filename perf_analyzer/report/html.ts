import type { LevelResult } from "../inference-profiler.ts";
import { stableWindowCount } from "../stability.ts";
import { breakdownSection } from "./html/breakdown-section.ts";
import { curveSection } from "./html/curve-section.ts";
import { renderTable } from "./html/data-table.ts";
import { distributionSection } from "./html/distribution-section.ts";
import { levelName, outcomeText } from "./html/level-text.ts";
import { type PageSection, renderPage } from "./html/page.ts";
import { isRateReport, type ReportContext, reportedLevels } from "./report-context.ts";

/** Where and when the report was made. */
export interface HtmlReportOrigin {
  /** Where the server listens. */
  readonly endpoint: string;
  readonly writtenAt: Date;
  /** More to say about the run, in front of the charts. */
  readonly sections: readonly PageSection[];
}

/** The report as one page that needs nothing but itself. */
export function htmlReport(
  results: readonly LevelResult[],
  context: ReportContext,
  origin: HtmlReportOrigin,
): string {
  const { options, isAsync, version } = context;
  const levels = reportedLevels(results);
  const load = isRateReport(context) ? "request rate" : "request concurrency";
  return renderPage({
    title: `perf_analyzer: ${options.modelName}`,
    facts: [
      ["Model", options.modelName],
      ["Version", options.modelVersion === "" ? "the server's choice" : options.modelVersion],
      ["Server", `${origin.endpoint}, ${options.protocol === "http" ? "HTTP" : "gRPC"}`],
      ["Load", `${load}, ${isAsync ? "asynchronous" : "synchronous"}, ${options.batchSize} row(s) a request`],
      ["Stable when", stabilityText(context)],
      ["Written", `${origin.writtenAt.toISOString()} by perf_analyzer ${version}`],
    ],
    sections:
      levels.length === 0
        ? [...origin.sections, nothingSection(results, context)]
        : [
            ...origin.sections,
            curveSection(levels, context),
            distributionSection(levels, context),
            breakdownSection(levels, context),
          ],
  });
}

function stabilityText({ options }: ReportContext): string {
  if (options.requestCount > 0) return `${options.requestCount} requests are answered`;
  const latency = options.percentile === null ? "average" : `p${options.percentile}`;
  return `throughput and ${latency} latency of ${stableWindowCount} windows differ by at most ${options.stabilityPercentage} %`;
}

function nothingSection(results: readonly LevelResult[], context: ReportContext): PageSection {
  return {
    heading: "Nothing was measured",
    text: "No request was answered. How each level ended:",
    content: [
      renderTable({
        caption: "Levels",
        headers: ["Level", "Outcome"],
        rows: results.map((result) => [levelName(result), outcomeText(result.outcome, context)]),
      }),
    ],
  };
}
