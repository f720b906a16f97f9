import { renderTable } from "../../server/logging/table.ts";
import { describeSettings } from "../candidate-settings.ts";
import { describeGoal } from "../tune-goal.ts";
import { noisePercent, type TuneReport } from "../tune-report.ts";
import type { RankedCandidate } from "../tuning-session.ts";

/** Rows of the table for people; the CSV and the page have all. */
const shownCount = 10;

/** The report for people. Ends with a newline. */
export function formatTuneReport(report: TuneReport): string {
  const { ranking, failures } = report;
  const shown = ranking.filter(({ isCurrent }, i) => i < shownCount || isCurrent);
  const blocks = [
    headline(report),
    ...(shown.length === 0 ? [] : [formatRanking(ranking, shown)]),
    ...(failures.length === 0 ? [] : [formatFailures(report)]),
    formatAdvice(report),
  ];
  return `${blocks.map((block) => block.trimEnd()).join("\n\n")}\n`;
}

/** What was tuned, for what and how. */
export function headline(report: TuneReport): string {
  const { subject, request, candidateCount, ranking, failures, wasInterrupted } = report;
  const { search, concurrencies, goal } = request;
  const tried = ranking.length + failures.length;
  const how = `${tried} of ${candidateCount} candidates tried by ${search} search at concurrency ${concurrencies.join(", ")}`;
  const end = wasInterrupted ? "Interrupted: this is what was measured until then, once each.\n" : "";
  return `${end}Model '${subject.name}', tuned for ${describeGoal(goal)}: ${how}.`;
}

function formatRanking(ranking: readonly RankedCandidate[], shown: readonly RankedCandidate[]): string {
  const headers = ["Rank", "Settings", "infer/s", "p99 ms", "Memory MB", "Gain", "Concurrency", "Notes"];
  const rows = shown.map((candidate) => {
    const { settings, best } = candidate;
    return [
      String(ranking.indexOf(candidate) + 1),
      describeSettings(settings),
      best.throughput.toFixed(1),
      best.p99Ms.toFixed(2),
      best.memoryMb === null ? "-" : best.memoryMb.toFixed(0),
      gainText(candidate),
      String(best.concurrency),
      notesOf(candidate).join(", "),
    ];
  });
  return renderTable(headers, rows);
}

/** `+12.3 %`, against the current settings. */
export function gainText({ gain }: Pick<RankedCandidate, "gain">): string {
  const percent = (gain - 1) * 100;
  return `${percent < 0 ? "" : "+"}${percent.toFixed(1)} %`;
}

/** What is to be known of a candidate besides its numbers. */
export function notesOf({ isCurrent, isSatisfying, sampleCount, best }: RankedCandidate): readonly string[] {
  return [
    ...(isCurrent ? ["current"] : []),
    ...(isSatisfying ? [] : ["breaks constraints"]),
    ...(sampleCount === 1 ? ["measured once"] : []),
    ...(best.isStable ? [] : ["not stable"]),
  ];
}

function formatFailures({ failures }: TuneReport): string {
  const lines = failures.map(
    ({ settings, reason }) => `  - ${describeSettings(settings)}: ${reason.replaceAll("\n", "\n    ")}`,
  );
  return `Candidates that could not be measured:\n${lines.join("\n")}`;
}

function formatAdvice(report: TuneReport): string {
  const advice = adviceText(report);
  return report.advice.kind === "change" ? `${advice}\n\n${report.advice.configText}` : advice;
}

/** What to do, in a sentence or two. */
export function adviceText(report: TuneReport): string {
  const noise = noisePercent(report.ranking);
  const warning =
    noise === null
      ? ""
      : `[WARNING] Measurements of the current configuration differ by ${noise} %: something else uses this machine, and gains up to that may be noise.\n`;
  return warning + adviceSentence(report);
}

function adviceSentence({ advice, ranking, wasInterrupted }: TuneReport): string {
  switch (advice.kind) {
    case "keep":
      return "Nothing measured is better than the current configuration by more than noise: keep it.";
    case "none":
      if (advice.nearest === null) {
        return wasInterrupted ? "Nothing was measured." : "No candidate could be measured.";
      }
      return `No candidate holds the constraints; the nearest is ${describeSettings(advice.nearest.settings)}.`;
    case "change": {
      const { to } = advice;
      const current = ranking.find(({ isCurrent }) => isCurrent);
      const before =
        current === undefined
          ? ""
          : ` instead of ${current.best.throughput.toFixed(1)} infer/s with a p99 of ${current.best.p99Ms.toFixed(2)} ms`;
      const why =
        current?.isSatisfying === false ? ", and holds the constraints, which the current one breaks" : "";
      return `Best: ${describeSettings(to.settings)}, ${gainText(to)}: ${to.best.throughput.toFixed(1)} infer/s with a p99 of ${to.best.p99Ms.toFixed(2)} ms${before}${why}. Its config.json:`;
    }
  }
}
