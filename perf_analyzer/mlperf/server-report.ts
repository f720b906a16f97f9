import { formatQuantity } from "../report/html/axis-scale.ts";
import { renderTable } from "../report/html/data-table.ts";
import type { PageSection } from "../report/html/page.ts";
import { bestRun, isValid } from "./rate-search.ts";
import type { ServerScenario } from "./server-scenario.ts";
import type { ServerRun } from "./server-verdict.ts";

/** Not to be mistaken for a submission. */
const disclaimer = "Measured by the rules of MLPerf Inference's server scenario, not verified by MLCommons.";

/** The block before the first run. Ends with an empty line. */
export function formatScenario(scenario: ServerScenario): string {
  const lines = ["*** MLPerf Server Scenario ***", ...scenarioFacts(scenario).map((fact) => `  ${fact}`)];
  return `${lines.join("\n")}\n\n`;
}

function scenarioFacts(scenario: ServerScenario): readonly string[] {
  const { latencyBoundUs, percentile, minDurationUs, minQueryCount, seed } = scenario;
  return [
    `Latency bound: p${percentile} within ${latencyBoundUs / 1e3} msec, from the scheduled arrival`,
    `Minimum duration: ${minDurationUs / 1e6} sec`,
    `Minimum query count: ${minQueryCount}`,
    `Arrivals: Poisson, seed ${seed}`,
  ];
}

/** The verdict on a run, below its report. Ends with an empty line. */
export function formatVerdict(run: ServerRun): string {
  const { reasons } = run.verdict;
  const lines = [`  Result: ${word(run)}`, ...reasons.map((reason) => `    - ${reason}`)];
  return `${lines.join("\n")}\n\n`;
}

/** The last lines of the report. */
export function formatResult(runs: readonly ServerRun[]): string {
  return `${resultLine(runs)}\n${disclaimer}\n`;
}

function resultLine(runs: readonly ServerRun[]): string {
  const best = bestRun(runs);
  if (best !== null) {
    return `MLPerf server scenario: VALID, ${rateText(best)} queries/sec (the highest valid rate of ${runs.length} run(s))`;
  }
  const last = runs.at(-1);
  const why = last === undefined ? "no run was completed" : last.verdict.reasons.join("; ");
  return `MLPerf server scenario: INVALID, no run was valid: ${why}`;
}

/** The runs as a part of the HTML report. */
export function scenarioSection(scenario: ServerScenario, runs: readonly ServerRun[]): PageSection {
  return {
    heading: "MLPerf server scenario",
    text: `${resultLine(runs)}. ${disclaimer} ${scenarioFacts(scenario).join("; ")}.`,
    content: [
      renderTable({
        caption: "Runs in the order of the search",
        headers: ["Queries/s", "Result", "Queries", "Reasons"],
        rows: runs.map((run) => [
          rateText(run),
          word(run),
          formatQuantity(run.result.summary.requestCount),
          run.verdict.reasons.join("; "),
        ]),
      }),
    ],
  };
}

function word(run: ServerRun): string {
  return isValid(run) ? "VALID" : "INVALID";
}

function rateText({ verdict }: ServerRun): string {
  return String(Number(verdict.ratePerSecond.toFixed(3)));
}
