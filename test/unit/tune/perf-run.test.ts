import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { readReport } from "../../../tune/perf-run.ts";

const header = "Concurrency,Inferences/Second,p50 latency,p90 latency,p95 latency,p99 latency,Avg latency";

describe("readReport", () => {
  it("reads the columns by their names, in milliseconds", () => {
    assert.deepEqual(readReport(`${header}\n4,1250.5,1000,2000,3000,4500,1100\n`, 4), {
      concurrency: 4,
      throughput: 1_250.5,
      averageMs: 1.1,
      p50Ms: 1,
      p90Ms: 2,
      p95Ms: 3,
      p99Ms: 4.5,
    });
  });

  it("finds nothing in a report without a level", () => {
    assert.equal(readReport("", 4), null);
    assert.equal(readReport(`${header}\n`, 4), null);
  });

  it("does not make numbers up", () => {
    assert.throws(() => readReport("Concurrency\n4\n", 4), /no number in column "Inferences\/Second"/);
  });
});
