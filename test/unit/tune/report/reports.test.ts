import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { tuneCsv } from "../../../../tune/report/csv.ts";
import { tuneHtml } from "../../../../tune/report/html.ts";
import { formatTuneReport } from "../../../../tune/report/text.ts";
import { adviceOf, type TuneReport } from "../../../../tune/tune-report.ts";
import { readTuneRequest, type TuneRequest } from "../../../../tune/tune-request.ts";
import type { RankedCandidate } from "../../../../tune/tuning-session.ts";
import { externalResources, readMarkup } from "../../../helpers/well-formed.ts";
import { currentSettings, measurementOf, subject } from "../tune-fixture.ts";

const current: RankedCandidate = {
  settings: currentSettings,
  isCurrent: true,
  best: measurementOf(),
  sampleCount: 3,
  spread: 0.05,
  isSatisfying: true,
  gain: 1,
};
const better: RankedCandidate = {
  settings: { ...currentSettings, instanceCount: 2, threadCount: 1, queueDelayUs: 500 },
  isCurrent: false,
  best: measurementOf({ throughput: 1_234.56, p99Ms: 8.125, memoryMb: null, isStable: false }),
  sampleCount: 1,
  spread: 0,
  isSatisfying: true,
  gain: 1.23456,
};

function reportOf(overrides: Partial<TuneReport> = {}): TuneReport {
  const ranking = overrides.ranking ?? [better, current];
  return {
    subject,
    request: readTuneRequest("m", new Map(), []) as TuneRequest,
    candidateCount: 40,
    ranking,
    failures: [
      {
        settings: { ...currentSettings, maxBatchSize: 64 },
        isCurrent: false,
        reason: 'failed to load "m",\nby <x>',
      },
    ],
    wasInterrupted: false,
    advice: adviceOf(ranking, () => "{}\n"),
    ...overrides,
  };
}

describe("adviceOf", () => {
  const text = (): string => "{}";

  it("takes the best when it is better by more than noise", () => {
    assert.equal(adviceOf([better, current], text).kind, "change");
    assert.equal(adviceOf([{ ...better, gain: 1.019 }, current], text).kind, "keep");
    assert.equal(adviceOf([current, better], text).kind, "keep");
    // On a machine whose measurements are 90 % apart a gain of 23 % says nothing.
    assert.equal(adviceOf([better, { ...current, spread: 0.9 }], text).kind, "keep");
    assert.equal(adviceOf([better, { ...current, spread: 0.6 }], text).kind, "change");
  });

  it("takes what holds the constraints even when it is slower", () => {
    const broken = { ...current, isSatisfying: false };
    assert.equal(adviceOf([{ ...better, gain: 0.5 }, broken], text).kind, "change");
  });

  it("knows when nothing holds the constraints, or nothing was measured", () => {
    const broken = { ...better, isSatisfying: false };
    assert.deepEqual(adviceOf([broken], text), { kind: "none", nearest: broken });
    assert.deepEqual(adviceOf([], text), { kind: "none", nearest: null });
  });
});

describe("formatTuneReport", () => {
  it("shows the ranking against the current settings, the gain, the failures and the winning config", () => {
    const report = formatTuneReport(reportOf());
    assert.match(
      report,
      /^Model 'm', tuned for perf_throughput: 3 of 40 candidates tried by quick search at concurrency 32\.\n/,
    );
    assert.match(
      report,
      /\| 1 +\| 2 instances × 1 thread, batch 8, delay 500 µs +\| 1234\.6 +\| 8\.13 +\| - +\| \+23\.5 % +\| 32 +\| measured once, not stable +\|/,
    );
    assert.match(report, /\| 2 .*\| \+0\.0 % +\| 32 +\| current +\|/);
    assert.match(
      report,
      /could not be measured:\n {2}- 1 instance × 2 threads, batch 64, delay 0 µs: failed to load "m",\n {4}by <x>\n/,
    );
    assert.match(
      report,
      /\nBest: 2 instances × 1 thread, batch 8, delay 500 µs, \+23\.5 %: 1234\.6 infer\/s with a p99 of 8\.13 ms instead of 1000\.0 infer\/s with a p99 of 10\.00 ms\. Its config\.json:\n\n\{\}\n$/,
    );
  });

  it("shows the current settings even when they are far down", () => {
    const others = Array.from({ length: 20 }, (_, i) => ({
      ...better,
      settings: { ...better.settings, maxBatchSize: i + 1 },
    }));
    const report = formatTuneReport(reportOf({ ranking: [...others, current] }));
    assert.match(report, /\| 10 +\|/);
    assert.doesNotMatch(report, /\| 11 +\|/);
    assert.match(report, /\| 21 +\| .*\| current +\|/);
  });

  it("says that it was interrupted, and when there is nothing to say", () => {
    const partly = formatTuneReport(reportOf({ wasInterrupted: true }));
    assert.match(partly, /^Interrupted: this is what was measured until then/);
    const nothing = reportOf({ wasInterrupted: true, ranking: [], failures: [] });
    assert.match(formatTuneReport(nothing), /Nothing was measured\.\n$/);
  });

  it("warns when the machine is too busy to tell small gains from noise", () => {
    assert.doesNotMatch(formatTuneReport(reportOf()), /WARNING/);
    const report = formatTuneReport(reportOf({ ranking: [better, { ...current, spread: 0.456 }] }));
    assert.match(
      report,
      /\n\[WARNING\] Measurements of the current configuration differ by 46 %: .*\nBest: /,
    );
  });

  it("names the constraints that the current settings break", () => {
    const ranking = [better, { ...current, isSatisfying: false }];
    const report = formatTuneReport(reportOf({ ranking, advice: adviceOf(ranking, () => "{}") }));
    assert.match(report, /holds the constraints, which the current one breaks/);
    assert.match(report, /current, breaks constraints/);
  });
});

describe("tuneCsv", () => {
  it("has a row for each candidate, with Model Analyzer's names for the columns", () => {
    const [header, first, second, third, end] = tuneCsv(reportOf()).split(/\n(?!by)/);
    assert.match(header ?? "", /^rank,model_name,batch_size,concurrency,instance_group,/);
    assert.equal(
      first,
      "1,m,1,32,2,1,8,500,Yes,1234.56,10.000,10.000,10.000,10.000,8.125,,23.46,1,measured once; not stable",
    );
    assert.equal(
      second,
      "2,m,1,32,1,2,8,0,Yes,1000.00,10.000,10.000,10.000,10.000,10.000,100.0,0.00,3,current",
    );
    assert.equal(third, ',m,1,,1,2,64,0,,,,,,,,,,,"failed: failed to load ""m"",\nby <x>"');
    assert.equal(end, "");
    const columns = (line: string | undefined): number => line?.split(",").length ?? 0;
    assert.equal(columns(first), columns(header));
    assert.equal(columns(second), columns(header));
  });
});

describe("tuneHtml", () => {
  it("is a page that needs nothing but itself, with all candidates and the config", () => {
    const hostile = reportOf({ subject: { ...subject, name: "<b>&" } });
    const advice = adviceOf(hostile.ranking, () => '{ "a": "<script>" }\n');
    const elements = readMarkup(tuneHtml({ ...hostile, advice }, new Date(0)));
    assert.deepEqual(externalResources(elements), []);
    const texts = (tag: string): string[] =>
      elements.filter((each) => each.tag === tag).map(({ text }) => text);
    assert.deepEqual(texts("h2"), ["Result", "Candidates", "Candidates that could not be measured"]);
    assert.deepEqual(texts("pre"), ["{ &quot;a&quot;: &quot;&lt;script&gt;&quot; }\n"]);
    assert.equal(elements.filter(({ tag }) => tag === "circle").length, 2);
    assert.ok(texts("td").includes("+23.5 %"));
    assert.ok(texts("td").includes("failed to load &quot;m&quot;,\nby &lt;x&gt;"));
  });

  it("can do without a ranking", () => {
    readMarkup(tuneHtml(reportOf({ ranking: [], failures: [] }), new Date(0)));
  });
});
