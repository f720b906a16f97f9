import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { parseWrk } from "../../../../bench/harness/wrk.ts";

const output = (requestCount: number, errorCount: number): string =>
  `Running 2s test @ http://127.0.0.1:1/
RESULT {"requestCount":${requestCount},"durationUs":2000000,"p50Us":15,"p99Us":90,"errorCount":${errorCount}}
`;

describe("parseWrk", () => {
  it("reads the rate and the latencies", () => {
    assert.deepEqual(parseWrk(output(1000, 0), 0.5), {
      requestCount: 1000,
      requestsPerSecond: 500,
      p50Us: 15,
      p99Us: 90,
      generatorCores: 0.5,
    });
  });

  it("refuses a run with a failed request", () => {
    assert.throws(() => parseWrk(output(1000, 1), null), /1 errors in 1000 requests/);
  });

  it("refuses a run without requests", () => {
    assert.throws(() => parseWrk(output(0, 0), null), /0 requests/);
  });

  it("refuses output without the script's line", () => {
    assert.throws(() => parseWrk("unable to connect", null), /no result:\nunable to connect/);
  });
});
