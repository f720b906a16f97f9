import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { parseH2load } from "../../../../bench/harness/h2load.ts";

const output = (succeededCount: number, okCount: number): string => `starting benchmark...
finished in 1.94s, 10309.42 req/s, 2.52MB/s
requests: 20000 total, 20000 started, 20000 done, ${succeededCount} succeeded, ${20000 - succeededCount} failed, 0 errored, 0 timeout
status codes: ${okCount} 2xx, 0 3xx, 0 4xx, ${20000 - okCount} 5xx
traffic: 4.88MB (5120408) total, 722.83KB (740176) headers (space savings 90.26%), 3.62MB (3800000) data
                     min         max         mean         sd        +/- sd
time for request:      345us     25.11ms      2.84ms      1.26ms    85.21%
time for connect:       89us       192us       132us        43us    50.00%
`;

describe("parseH2load", () => {
  it("reads the rate and the mean in µs", () => {
    assert.deepEqual(parseH2load(output(20000, 20000), 20000, 0.1), {
      requestCount: 20000,
      requestsPerSecond: 10309.42,
      meanUs: 2840,
      generatorCores: 0.1,
    });
  });

  it("refuses a run with a failed request", () => {
    assert.throws(() => parseH2load(output(19999, 20000), 20000, null), /did not get an answer to each/);
  });

  it("refuses a run with another status", () => {
    assert.throws(() => parseH2load(output(20000, 19999), 20000, null), /did not get an answer to each/);
  });

  it("refuses output that it cannot read", () => {
    assert.throws(
      () => parseH2load("could not connect", 1, null),
      /something unexpected:\ncould not connect/,
    );
  });
});
