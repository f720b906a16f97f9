import assert from "node:assert/strict";
import { describe, it } from "mocha";
import type { RequestRecord } from "../../../perf_analyzer/load-manager/request-records.ts";
import { summarizeTokens } from "../../../perf_analyzer/token-summary.ts";

/** Sent 1 ms after it should have been, at 10 ms. */
function recordOf(firstUs: number, lastUs: number, responseCount: number): RequestRecord {
  return {
    intendedUs: 9_000,
    sendStartUs: 10_000,
    sendEndUs: 10_100,
    receiveStartUs: 10_500,
    firstResponseUs: firstUs,
    lastResponseUs: lastUs,
    endUs: lastUs + 500,
    responseCount,
    contentIndex: 0,
    sequenceId: 0,
  };
}

describe("summarizeTokens", () => {
  it("measures from the moment when requests should have been sent, and between tokens", () => {
    const records = [recordOf(29_000, 69_000, 5), recordOf(49_000, 49_000, 1)];
    const tokens = summarizeTokens(records, 2e6);
    assert.ok(tokens);
    assert.equal(tokens.firstToken.averageUs, 30_000);
    assert.equal(tokens.interToken.averageUs, 10_000, "a request with one token has no time between tokens");
    assert.deepEqual([tokens.tokenCount, tokens.tokensPerSecond, tokens.tokensPerRequest], [6, 3, 3]);
  });

  it("has nothing to say of responses that were not streamed", () => {
    assert.equal(summarizeTokens([recordOf(29_000, 0, 1)], 1e6), null);
  });
});
