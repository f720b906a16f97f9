import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { searchValues } from "../../../tune/search-values.ts";
import { readTuneRequest, type TuneRequest } from "../../../tune/tune-request.ts";
import { currentSettings, subject } from "./tune-fixture.ts";

function requestOf(own: Readonly<Record<string, string>> = {}, ...perfArgs: string[]): TuneRequest {
  const request = readTuneRequest("m", new Map(Object.entries(own)), perfArgs);
  assert.notEqual(typeof request, "string");
  return request as TuneRequest;
}

describe("searchValues", () => {
  it("takes powers of two as far as cores and load go", () => {
    assert.deepEqual(searchValues(subject, requestOf({ "--concurrency": "16" }), 6), {
      instanceCounts: [1, 2, 4, 8],
      threadCounts: [1, 2, 4, 6],
      maxBatchSizes: [1, 2, 4, 8, 16],
      queueDelaysUs: [0, 100, 500, 1_000, 2_000, 5_000],
    });
  });

  it("always has the current values among them", () => {
    const current = { instanceCount: 3, threadCount: 5, maxBatchSize: 24, queueDelayUs: 70 };
    const own = {
      "--instance-counts": "1",
      "--thread-counts": "1",
      "--max-batch-sizes": "8",
      "--queue-delays-us": "0",
    };
    assert.deepEqual(searchValues({ ...subject, current }, requestOf(own), 2), {
      instanceCounts: [1, 3],
      threadCounts: [1, 5],
      maxBatchSizes: [8, 24],
      queueDelaysUs: [0, 70],
    });
  });

  it("has one value of what cannot be tuned", () => {
    const stuck = {
      ...subject,
      current: { ...currentSettings, threadCount: null, maxBatchSize: 0, queueDelayUs: null },
      obstacles: { instanceCount: "two groups", threadCount: "x", maxBatchSize: "x", queueDelayUs: "x" },
    };
    assert.deepEqual(searchValues(stuck, requestOf(), 2), {
      instanceCounts: [1],
      threadCounts: [null],
      maxBatchSizes: [0],
      queueDelaysUs: [null],
    });
  });

  it("leaves out batches that no request fits into", () => {
    const { maxBatchSizes } = searchValues(subject, requestOf({ "--concurrency": "4" }, "-b", "4"), 2);
    assert.deepEqual(maxBatchSizes, [4, 8, 16]);
  });
});
