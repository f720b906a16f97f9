import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { readTuneRequest, type TuneRequest } from "../../../tune/tune-request.ts";

function read(own: Readonly<Record<string, string>> = {}, ...perfArgs: string[]): TuneRequest | string {
  return readTuneRequest("m", new Map(Object.entries(own)), perfArgs);
}

describe("readTuneRequest", () => {
  it("tunes for throughput by quick search unless told otherwise", () => {
    const request = read() as TuneRequest;
    assert.deepEqual(request.goal, {
      objectives: [{ metric: "perf_throughput", weight: 1 }],
      constraints: [],
    });
    assert.deepEqual(
      [request.search, request.concurrencies, request.protocol, request.rowsPerRequest, request.applies],
      ["quick", [32], "http", 1, false],
    );
  });

  it("reads objectives with weights, constraints, lists and perf_analyzer's options", () => {
    const request = read(
      {
        "--objective": "perf_throughput:2,perf_latency_p99",
        "--constraint": "perf_latency_p99:max:12.5,cpu_used_ram:max:500,perf_throughput:min:10",
        "--search": "brute",
        "--concurrency": "1,8",
        "--instance-counts": "1,2",
        "--queue-delays-us": "0,250",
        "--load-model": "a,b",
        "--apply": "",
      },
      "-i",
      "grpc",
      "-b4",
    ) as TuneRequest;
    assert.deepEqual(request.goal.objectives, [
      { metric: "perf_throughput", weight: 2 },
      { metric: "perf_latency_p99", weight: 1 },
    ]);
    assert.deepEqual(request.goal.constraints[0], { metric: "perf_latency_p99", bound: "max", value: 12.5 });
    assert.deepEqual(request.values, {
      instanceCounts: [1, 2],
      threadCounts: null,
      maxBatchSizes: null,
      queueDelaysUs: [0, 250],
    });
    assert.deepEqual(
      [request.search, request.concurrencies, request.companions, request.applies],
      ["brute", [1, 8], ["a", "b"], true],
    );
    assert.deepEqual([request.protocol, request.rowsPerRequest], ["grpc", 4]);
    assert.deepEqual(request.perfArgs.slice(-3), ["-i", "grpc", "-b4"]);
  });

  const mistakes: readonly (readonly [Readonly<Record<string, string>>, readonly string[], RegExp])[] = [
    [{ "--search": "random" }, [], /^--search expects quick or brute, got "random"/],
    [{ "--objective": "speed" }, [], /^--objective expects .*perf_throughput.* got "speed"/],
    [{ "--objective": "perf_throughput:0" }, [], /a weight above 0/],
    [{ "--constraint": "perf_latency_p99:100" }, [], /^--constraint expects <metric>:max:<number>/],
    [{ "--constraint": "perf_latency_p99:max:-1" }, [], /^--constraint expects/],
    [{ "--concurrency": "0" }, [], /whole numbers of at least 1/],
    [{ "--concurrency": "1,,2" }, [], /whole numbers of at least 1/],
    [{ "--max-batch-sizes": "8.5" }, [], /^--max-batch-sizes expects whole numbers/],
    [{}, ["--concurency-range=4"], /^After --: Unknown option "--concurency-range"/],
    [{}, ["--concurrency-range=4"], /^After --: the model, the server's address, the load/],
    [{}, ["-u", "other:1"], /^After --: the model/],
    [{}, ["-m", "other"], /^After --: the model/],
    [{}, ["--report-html=x"], /^After --: the model/],
    [{}, ["--percentile=95"], /^After --: the model/],
    [{}, ["--help"], /^After --: expects options/],
  ];
  for (const [own, perfArgs, message] of mistakes) {
    it(`refuses ${JSON.stringify(own)} ${perfArgs.join(" ")}`, () => {
      const request = read(own, ...perfArgs);
      assert.equal(typeof request, "string");
      assert.match(request as string, message);
    });
  }
});
