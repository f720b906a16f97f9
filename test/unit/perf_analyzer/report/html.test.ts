import assert from "node:assert/strict";
import { describe, it } from "mocha";
import type { LevelOutcome, LevelResult } from "../../../../perf_analyzer/inference-profiler.ts";
import { type MeasurementWindow, summarizeWindows } from "../../../../perf_analyzer/measurement-window.ts";
import type { AnalyzerOptions } from "../../../../perf_analyzer/options/analyzer-options.ts";
import { parseOptions } from "../../../../perf_analyzer/options/parse-options.ts";
import { htmlReport } from "../../../../perf_analyzer/report/html.ts";
import type { ReportContext } from "../../../../perf_analyzer/report/report-context.ts";
import { growthBetween } from "../../../../perf_analyzer/server-statistics.ts";
import { externalResources, type MarkupElement, readMarkup } from "../../../helpers/well-formed.ts";
import { statisticsOf } from "../statistics-fixture.ts";

function contextOf(modelName: string, ...argv: string[]): ReportContext {
  const commandLine = parseOptions(["-m", modelName, ...argv]);
  assert.equal(commandLine.kind, "run");
  const { options } = commandLine as { options: AnalyzerOptions };
  return {
    options,
    isAsync: false,
    hasResponseCache: false,
    isDecoupled: false,
    plan: { contents: [], streams: [[0]] },
    version: "1.2.3",
  };
}

const growth = growthBetween(
  { versions: [], composing: [], isEnsemble: false },
  {
    versions: [statisticsOf("m", "1", { count: 100, nsPerRequest: 1_000_000 })],
    composing: [],
    isEnsemble: false,
  },
);

/** 100 requests a second per unit of concurrency, of 1 to 10 ms. */
function levelOf(
  concurrency: number,
  overrides: { outcome?: LevelOutcome; hasServer?: boolean; requestCount?: number } = {},
): LevelResult {
  const { outcome = { kind: "stable", warning: null }, requestCount = 100 * concurrency } = overrides;
  const window: MeasurementWindow = {
    startUs: 0,
    endUs: 1e6,
    requests: Array.from({ length: requestCount }, (_, i) => ({
      record: {
        intendedUs: 0,
        sendStartUs: 0,
        sendEndUs: 100,
        receiveStartUs: 950 + (i % 10) * 1_000,
        firstResponseUs: 1_000 + (i % 10) * 1_000,
        lastResponseUs: 0,
        responseCount: 1,
        endUs: 1_000 + (i % 10) * 1_000,
        contentIndex: 0,
        sequenceId: 0,
      },
      responses: null,
    })),
    threadCount: 1,
    idleUs: 900_000,
    sentCount: requestCount,
    lateCount: 0,
    lagUs: 0,
    server: overrides.hasServer === false ? null : growth,
    metrics: null,
  };
  const summary = summarizeWindows([window], { batchSize: 1, percentile: null });
  return { level: { kind: "concurrency", concurrency }, outcome, windows: [window], summary };
}

function report(context: ReportContext, ...results: readonly LevelResult[]): string {
  return htmlReport(results, context, {
    endpoint: "h:1",
    writtenAt: new Date("2026-01-02T03:04:05Z"),
    sections: [],
  });
}

function textsOf(elements: readonly MarkupElement[], tag: string): readonly string[] {
  return elements.filter((element) => element.tag === tag).map(({ text }) => text.trim());
}

describe("htmlReport", () => {
  it("is a well-formed page that loads nothing and runs nothing", () => {
    const page = report(contextOf("m"), levelOf(1), levelOf(2), levelOf(4));
    assert.match(page, /^<!DOCTYPE html>\n<html lang="en"/);
    const elements = readMarkup(page);
    assert.deepEqual(externalResources(elements), []);
    assert.doesNotMatch(page, /url\(|@import|<script/);
    assert.match(page, /Content-Security-Policy" content="default-src 'none'/);
  });

  it("draws curve, distribution and breakdown, each with a title, a description and its numbers as a table", () => {
    const elements = readMarkup(report(contextOf("m"), levelOf(1), levelOf(2)));
    assert.deepEqual(textsOf(elements, "h2"), [
      "Latency by throughput",
      "Latency distribution",
      "Where the time goes",
    ]);
    const ids = new Set(elements.map(({ attributes }) => attributes.get("id")));
    const charts = elements.filter(({ tag }) => tag === "svg");
    assert.equal(charts.length, 3);
    for (const { attributes } of charts) {
      assert.equal(attributes.get("role"), "img");
      const labels = (attributes.get("aria-labelledby") ?? "").split(" ");
      assert.equal(labels.length, 2);
      for (const label of labels) assert.ok(ids.has(label), label);
    }
    assert.equal(textsOf(elements, "caption").length, 3);
    assert.ok(textsOf(elements, "desc").every((text) => text.length > 20));
  });

  it("holds the numbers that the other reports have", () => {
    const elements = readMarkup(report(contextOf("m"), levelOf(1), levelOf(2)));
    const cells = textsOf(elements, "td");
    const headers = textsOf(elements, "th");
    assert.deepEqual(headers.slice(0, 9), [
      "Concurrency",
      "Inferences/s",
      "Requests",
      "Average",
      "Std. deviation",
      "p50",
      "p90",
      "p95",
      "p99",
    ]);
    const { latency, throughput } = levelOf(1).summary;
    assert.deepEqual(cells.slice(0, 4), [
      throughput.toFixed(2),
      "100",
      String(latency.averageUs),
      String(Math.floor(latency.standardDeviationUs)),
    ]);
    // Client send 100, network the rest of 5,500, then the server's tenths of 1,000.
    const breakdown = ["100", "4350", "600", "100", "100", "100", "100", "0", "50"];
    assert.ok(cells.join().includes(breakdown.join()), cells.join());
  });

  it("adapts to dark surroundings and to print", () => {
    const page = report(contextOf("m"), levelOf(1));
    assert.match(page, /color-scheme: light dark/);
    assert.match(page, /@media \(prefers-color-scheme: dark\)/);
    assert.match(page, /@media print/);
  });

  it("shows names of models as texts, whatever is in them", () => {
    const name = `<img src=x onerror="alert('&')">\u0001\ud800`;
    const page = report(contextOf(name), levelOf(1));
    const elements = readMarkup(page);
    assert.deepEqual(externalResources(elements), []);
    assert.equal(
      textsOf(elements, "h1")[0],
      "perf_analyzer: &lt;img src=x onerror=&quot;alert(&#39;&amp;&#39;)&quot;&gt;\ufffd\ufffd",
    );
  });

  it("says so when the server has no statistics", () => {
    const page = report(contextOf("m"), levelOf(1, { hasServer: false }));
    assert.match(page, /The server has no statistics/);
    readMarkup(page);
  });

  it("reports how levels without any answer ended", () => {
    const failed = levelOf(1, { outcome: { kind: "failed", message: "a <b> & c" }, requestCount: 0 });
    const elements = readMarkup(report(contextOf("m"), failed));
    assert.deepEqual(textsOf(elements, "h2"), ["Nothing was measured"]);
    assert.deepEqual(textsOf(elements, "td"), ["failed: a &lt;b&gt; &amp; c"]);
  });

  it("draws at most eight distributions, evenly taken", () => {
    const levels = Array.from({ length: 15 }, (_, i) => levelOf(i + 1));
    const page = report(contextOf("m"), ...levels);
    assert.match(page, /8 of 15 levels are drawn/);
    const elements = readMarkup(page);
    const rows = textsOf(elements, "th");
    assert.ok(rows.includes("15"));
    // Four lines of the curve chart would be too many: average, p50, p99; and eight distributions.
    const lines = elements.filter(({ attributes }) => attributes.get("class")?.startsWith("line ") === true);
    assert.equal(lines.length, 3 + 8);
  });

  it("keeps everything that is drawn inside of its chart", () => {
    const elements = readMarkup(report(contextOf("m", "--percentile=95"), levelOf(1), levelOf(8)));
    for (const { tag, attributes } of elements) {
      if (tag !== "circle" && tag !== "rect") continue;
      const x = Number(attributes.get(tag === "circle" ? "cx" : "x"));
      const width = Number(attributes.get("width") ?? 0);
      assert.ok(x >= 0 && x + width <= 760, `${tag} at ${x}`);
    }
    for (const { attributes } of elements.filter(({ attributes: each }) => each.has("d"))) {
      assert.doesNotMatch(attributes.get("d") ?? "", /NaN|Infinity|-\d/);
    }
  });
});
