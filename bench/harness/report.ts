import { mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { type BenchCase, type CaseResult, meetsTarget } from "./bench-case.ts";
import { type Machine, machineSlug } from "./machine.ts";

/** One row of the table. */
export interface ReportRow {
  readonly benchCase: BenchCase;
  readonly result: CaseResult;
}

/** Three figures are more than a shared machine can keep. */
function figure(value: number, unit: string): string {
  const digits = Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 2;
  const grouped = value.toLocaleString("en-US", {
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
  });
  return unit === "" ? grouped : `${grouped} ${unit}`;
}

function targetText({ target }: BenchCase): string {
  return `${target.direction === "at least" ? "≥" : "≤"} ${target.value}${target.unit === "" ? "" : ` ${target.unit}`}`;
}

function spreadText({ rounds }: CaseResult, unit: string): string {
  return `${figure(Math.min(...rounds), "")} … ${figure(Math.max(...rounds), unit)}`;
}

/** The table, with the details of each case under it. */
export function formatReport(rows: readonly ReportRow[]): string {
  const header = ["case", "measured", "target", "", "rounds"];
  const body = rows.map(({ benchCase, result }) => [
    benchCase.name,
    figure(result.measured, benchCase.target.unit),
    targetText(benchCase),
    meetsTarget(benchCase.target, result.measured) ? "reached" : "MISSED",
    spreadText(result, benchCase.target.unit),
  ]);
  const widths = header.map((title, i) => Math.max(title.length, ...body.map((cells) => cells[i]!.length)));
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, i) => cell.padEnd(widths[i]!))
      .join("  ")
      .trimEnd();
  const table = [line(header), line(widths.map((width) => "─".repeat(width))), ...body.map(line)];
  const details = rows.flatMap(({ benchCase, result }) => [
    "",
    `${benchCase.name}: ${benchCase.title}`,
    ...result.details.map((detail) => `    ${detail.label}: ${figure(detail.value, detail.unit)}`),
  ]);
  return [...table, ...details].join("\n");
}

/**
 * Writes the run as JSON, twice: under its own name, and as `latest.json`.
 *
 * @param directory - Made when it does not exist.
 * @param date - When the run began.
 * @returns The path of the file with the run's own name.
 */
export function writeReport(
  directory: string,
  date: Date,
  machine: Machine,
  rows: readonly ReportRow[],
): string {
  const text = JSON.stringify(
    {
      date: date.toISOString(),
      machine,
      cases: rows.map(({ benchCase, result }) => ({
        name: benchCase.name,
        title: benchCase.title,
        target: benchCase.target,
        measured: result.measured,
        isReached: meetsTarget(benchCase.target, result.measured),
        rounds: result.rounds,
        details: result.details,
      })),
    },
    null,
    2,
  );
  mkdirSync(directory, { recursive: true });
  const file = path.join(directory, `${date.toISOString().slice(0, 10)}-${machineSlug(machine)}.json`);
  writeFileSync(file, `${text}\n`);
  writeFileSync(path.join(directory, "latest.json"), `${text}\n`);
  return file;
}
