import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { describe, it } from "mocha";
import type { BenchCase } from "../../../../bench/harness/bench-case.ts";
import { formatReport, type ReportRow, writeReport } from "../../../../bench/harness/report.ts";

function row(name: string, target: BenchCase["target"], measured: number): ReportRow {
  const result = {
    measured,
    rounds: [measured, measured * 2],
    details: [{ label: "rate", value: 1234.5, unit: "/s" }],
  };
  return {
    benchCase: { name, title: `${name} in words`, target, run: () => Promise.resolve(result) },
    result,
  };
}

const atLeast = { direction: "at least", value: 0.5, unit: "" } as const;
const atMost = { direction: "at most", value: 120, unit: "us" } as const;

describe("formatReport", () => {
  it("tells reached from missed in both directions", () => {
    const lines = formatReport([
      row("a", atLeast, 0.5),
      row("b", atLeast, 0.49),
      row("c", atMost, 120),
      row("d", atMost, 121),
    ]).split("\n");
    const verdictOf = (name: string): string =>
      /reached|MISSED/.exec(lines.find((l) => l.startsWith(`${name} `))!)![0];
    assert.deepEqual(["a", "b", "c", "d"].map(verdictOf), ["reached", "MISSED", "reached", "MISSED"]);
  });

  it("prints the details with their units", () => {
    assert.match(formatReport([row("a", atLeast, 1)]), /a: a in words\n {4}rate: 1,235 \/s/);
  });
});

describe("writeReport", () => {
  it("writes the run under its own name and as the latest", () => {
    const directory = mkdtempSync(path.join(tmpdir(), "report-test-"));
    try {
      const machine = {
        cpu: "Some(R) CPU @ 2.50GHz",
        coreCount: 2,
        node: "20.0.0",
        platform: "linux-x64",
        commit: "abc",
      };
      const file = writeReport(directory, new Date("2026-01-02T03:04:05Z"), machine, [
        row("a", atLeast, 0.75),
      ]);
      assert.equal(path.basename(file), "2026-01-02-some-cpu-2-50ghz-2-cores-node20.0.0.json");
      assert.deepEqual(readdirSync(directory).sort(), [path.basename(file), "latest.json"]);
      const text = readFileSync(file, "utf8");
      assert.equal(text, readFileSync(path.join(directory, "latest.json"), "utf8"));
      const saved = JSON.parse(text) as { cases: { measured: number; isReached: boolean }[] };
      assert.equal(saved.cases[0]?.measured, 0.75);
      assert.equal(saved.cases[0].isReached, true);
    } finally {
      rmSync(directory, { recursive: true });
    }
  });
});
