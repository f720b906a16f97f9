import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { parsePerfAnalyzer } from "../../../../bench/harness/perf-analyzer.ts";

describe("parsePerfAnalyzer", () => {
  it("reads the numbers of a report", () => {
    const report = `Request concurrency: 64
  Client: 
    Request count: 120
    Throughput: 54478.33 infer/sec
    p50 latency: 944 usec
    p99 latency: 3107 usec
`;
    assert.deepEqual(parsePerfAnalyzer(report, 0.8), {
      requestsPerSecond: 54_478.33,
      p50Us: 944,
      p99Us: 3_107,
      generatorCores: 0.8,
    });
  });

  it("throws with the output when there is no number", () => {
    assert.throws(
      () => parsePerfAnalyzer("Failed: it broke", null),
      /reported no .*Throughput[^]*Failed: it broke/,
    );
  });
});
