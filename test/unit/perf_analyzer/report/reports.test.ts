import assert from "node:assert/strict";
import { describe, it } from "mocha";
import type { LevelOutcome, LevelResult } from "../../../../perf_analyzer/inference-profiler.ts";
import type { RequestRecord } from "../../../../perf_analyzer/load-manager/request-records.ts";
import { readMetricsPage } from "../../../../perf_analyzer/server-metrics/metrics-reading.ts";
import { type MeasurementWindow, summarizeWindows } from "../../../../perf_analyzer/measurement-window.ts";
import type { AnalyzerOptions } from "../../../../perf_analyzer/options/analyzer-options.ts";
import { parseOptions } from "../../../../perf_analyzer/options/parse-options.ts";
import { csvFiles } from "../../../../perf_analyzer/report/csv.ts";
import { profileExport } from "../../../../perf_analyzer/report/json.ts";
import type { ReportContext } from "../../../../perf_analyzer/report/report-context.ts";
import { formatLevel, formatSettings, formatSummary } from "../../../../perf_analyzer/report/text.ts";
import type { CollectedMetrics } from "../../../../perf_analyzer/server-metrics/metrics-collector.ts";
import { growthBetween, type ServerGrowth } from "../../../../perf_analyzer/server-statistics.ts";
import { statisticsOf } from "../statistics-fixture.ts";

function contextOf(...argv: string[]): ReportContext {
  const commandLine = parseOptions(["-m", "m", ...argv]);
  assert.equal(commandLine.kind, "run");
  const { options } = commandLine as { options: AnalyzerOptions };
  const input = { name: "A", datatype: "INT32" as const, shape: [1], data: Buffer.from([7, 0, 0, 0]) };
  return {
    options,
    isAsync: false,
    hasResponseCache: false,
    isDecoupled: false,
    plan: { contents: [{ inputs: [input], expected: null }], streams: [[0]] },
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

/** 100 requests of 2 ms in a second, each sent `lagUs` after it should have been. */
function resultOf(
  context: ReportContext,
  concurrency: number,
  overrides: {
    outcome?: LevelOutcome;
    server?: ServerGrowth | null;
    lagUs?: number;
    isRate?: boolean;
    responseCount?: number;
    /** Between the tokens of a streamed completion. */
    tokenUs?: number;
    idleUs?: number;
    metrics?: CollectedMetrics;
  } = {},
): LevelResult {
  const { lagUs = 0, server = growth, outcome = { kind: "stable", warning: null } } = overrides;
  const requests = Array.from({ length: 100 * concurrency }, (_, i) => {
    const sendStartUs = i * 1_000 + 1;
    const record: RequestRecord = {
      intendedUs: sendStartUs - lagUs,
      sendStartUs,
      sendEndUs: sendStartUs + 100,
      receiveStartUs: sendStartUs + 1_950,
      firstResponseUs: sendStartUs + 500,
      lastResponseUs:
        overrides.tokenUs === undefined
          ? 0
          : sendStartUs + 500 + overrides.tokenUs * ((overrides.responseCount ?? 1) - 1),
      endUs: sendStartUs + 2_000,
      responseCount: overrides.responseCount ?? 1,
      contentIndex: 0,
      sequenceId: i % 2,
    };
    const outputs = [{ name: "B", datatype: "FP16", data: new Uint8Array([1, 2]) }];
    const responses = Array.from({ length: record.responseCount }, (_, r) => ({
      atUs: record.firstResponseUs + r * 100,
      outputs,
    }));
    return { record, responses };
  });
  const window: MeasurementWindow = {
    startUs: 0,
    endUs: 1e6,
    requests,
    threadCount: 1,
    idleUs: overrides.idleUs ?? 900_000,
    sentCount: requests.length,
    lateCount: lagUs > 1_000 ? requests.length : 0,
    lagUs: lagUs * requests.length,
    server,
    metrics: overrides.metrics ?? null,
  };
  const level =
    overrides.isRate === true
      ? ({ kind: "rate", value: 12.5, arrivals: { kind: "constant", ratePerSecond: 12.5 } } as const)
      : ({ kind: "concurrency", concurrency } as const);
  return { level, outcome, windows: [window], summary: summarizeWindows([window], context.options) };
}

describe("formatLevel", () => {
  it("prints the report of the contract", () => {
    const context = contextOf();
    assert.equal(
      formatLevel(resultOf(context, 1), context),
      `Request concurrency: 1
  Client: 
    Request count: 100
    Throughput: 100 infer/sec
    Avg latency: 2000 usec (standard deviation 0 usec)
    p50 latency: 2000 usec
    p90 latency: 2000 usec
    p95 latency: 2000 usec
    p99 latency: 2000 usec
    Avg HTTP time: 2000 usec (send/recv 150 usec + response wait 1850 usec)
  Server: 
    Inference count: 100
    Execution count: 100
    Successful request count: 100
    Avg request latency: 1000 usec (overhead 600 usec + queue 100 usec + compute input 100 usec + compute infer 100 usec + compute output 100 usec)

`,
    );
  });

  it("tells latency and service time apart under a rate, and warns when it is not kept", () => {
    const context = contextOf("--request-rate-range=12.5", "-i", "grpc");
    const text = formatLevel(resultOf(context, 1, { lagUs: 5_000, isRate: true }), context);
    assert.match(text, /^Request Rate: 12\.5 inference requests per seconds\n/);
    assert.match(text, /Avg send request rate: 100 infer\/sec/);
    assert.match(text, /100\.00% of the requests were delayed/);
    assert.match(text, /Avg latency: 7000 usec/);
    assert.match(text, /Avg service time: 2000 usec .* 5000 usec/);
    assert.match(
      text,
      /Avg gRPC time: 2000 usec \(\(un\)marshal request\/response 150 usec \+ response wait 1850 usec\)/,
    );
  });

  it("warns when the threads that make load are busy, and not before", () => {
    const context = contextOf();
    assert.ok(!formatLevel(resultOf(context, 1, { idleUs: 510_000 }), context).includes("client overhead"));
    const text = formatLevel(resultOf(context, 1, { idleUs: 400_000 }), context);
    assert.match(
      text,
      /Avg client overhead: 60\.00%\n {4}\[WARNING\] .* may be the limit: raise --max-threads/,
    );
  });

  it("prints when the tokens of streamed completions came", () => {
    const context = contextOf("--service-kind=openai", "--endpoint=v1/completions", "--streaming");
    const text = formatLevel(
      resultOf(context, 1, { responseCount: 11, tokenUs: 100, server: null }),
      context,
    );
    assert.match(text, /Avg time to first token: 500 usec \(p50 500 usec, p90 500 usec, .*\)/);
    assert.match(text, /Avg inter-token latency: 100 usec \(p50 100 usec, .*\)/);
    assert.match(text, /Output token throughput: 1100 tokens\/sec \(1100 tokens, 11 per request\)/);
  });

  it("prints responses and the time to the first one of a decoupled model", () => {
    const context = { ...contextOf("-i", "grpc", "--streaming"), isDecoupled: true };
    const text = formatLevel(resultOf(context, 1, { responseCount: 4 }), context);
    assert.match(text, /Request count: 100\n {4}Throughput: 100 infer\/sec\n/);
    assert.match(text, /Response count: 400\n {4}Response Throughput: 400 resp\/sec\n/);
    assert.match(text, /Avg time to first response: 500 usec \(p50 500 usec, .*p99 500 usec\)\n/);
    assert.ok(!text.includes("gRPC time"), "the time of the responses is not the network's");
    const [file] = csvFiles("r.csv", [resultOf(context, 1, { responseCount: 4 })], context);
    assert.match(
      file?.text ?? "",
      /^Concurrency,Inferences\/Second,Response Throughput,Client Send,.*\n1,100,400,/,
    );
  });

  it("prints what was read of the server's metrics, and what was not", () => {
    const context = contextOf("-f", "r.csv", "--verbose-csv", "--collect-metrics");
    const readings = [
      readMetricsPage(
        'nv_cpu_utilization 0.5\nnv_cpu_memory_used_bytes 3e6\nnv_gpu_utilization{gpu_uuid="g"} 0.25\nnv_gpu_power_usage{gpu_uuid="g"} 70',
        "m",
      ),
    ];
    const result = resultOf(context, 1, { metrics: { readings, failure: null } });
    const text = formatLevel(result, context);
    assert.match(text, /Server metrics: \n {4}Readings: 1\n {4}Avg CPU Utilization: 50\.0 %\n/);
    assert.match(text, /Max CPU Memory Usage: 3\.0 MB\n {4}Avg GPU Utilization, g: 25\.0 %\n/);
    const [file] = csvFiles("r.csv", [result], context);
    assert.match(
      file?.text ?? "",
      /response wait,Avg GPU Utilization,Avg GPU Power Usage,Max GPU Memory Usage,Total GPU Memory,Avg CPU Utilization,Max CPU Memory Usage,Total CPU Memory,Avg Pending Requests\n.*,g:0\.25;,g:70;,,,0\.5,3000000,,\n$/,
    );
    const none = resultOf(context, 1, { metrics: { readings: [], failure: null } });
    assert.match(formatLevel(none, context), /Not read in these windows: lower --metrics-interval/);
    const failed = resultOf(context, 1, { metrics: { readings: [], failure: "reset" } });
    assert.match(formatLevel(failed, context), /Some readings failed: reset/);
  });

  it("prints a schedule and a periodic level under their names", () => {
    const context = contextOf(
      ...["-i", "grpc", "--streaming", "--periodic-concurrency-range=2:10:4", "--profile-export-file=e"],
    );
    const level = { kind: "periodic", start: 2, end: 10, step: 4, periodResponseCount: 10 } as const;
    const result = { ...resultOf(context, 1), level };
    assert.match(formatLevel(result, context), /^Periodic concurrency: 2:10:4\n/);
    assert.match(formatSummary([result], context), /\nPeriodic concurrency: 10, throughput: /);
    assert.match(
      formatSettings(context),
      /total of 10 requests\n {2}More requests follow after 10 responses to each/,
    );
    assert.match(profileExport([result], context, "h:1"), /"mode":"concurrency","value":10/);
    const scheduled = contextOf("--fixed-schedule", "--input-data=a.json");
    assert.match(
      formatSettings(scheduled),
      /each entry of --input-data once\n {2}Request schedule: the timestamps/,
    );
  });

  it("lists the models inside an ensemble", () => {
    assert.ok(growth !== null);
    const context = contextOf();
    const server = { ...growth, composing: [{ ...growth, name: "inner", version: "3" }], isEnsemble: true };
    const text = formatLevel(resultOf(context, 1, { server }), context);
    assert.match(text, /overhead 600 usec \+ queue 100 usec \+ compute 300 usec\)/);
    assert.match(text, /\n {2}Composing models: \n {2}inner, version: 3\n {6}Inference count: 100\n/);
  });

  it("says how a level ended", () => {
    const context = contextOf();
    const failed = resultOf(context, 1, { outcome: { kind: "failed", message: "gone" } });
    assert.match(formatLevel(failed, context), /Failed, this is what was measured until then: gone/);
    const unstable = resultOf(context, 1, { outcome: { kind: "unstable" } });
    assert.match(
      formatLevel(unstable, context),
      /Failed to obtain stable measurement within 10 measurement windows/,
    );
  });
});

describe("formatSettings", () => {
  it("names what was asked for", () => {
    const text = formatSettings(contextOf("--percentile=95", "-b", "4", "-l", "20"));
    assert.match(text, /^\*\*\* Measurement Settings \*\*\*\n {2}Batch size: 4\n {2}Service Kind: TRITON\n/);
    assert.match(text, /Stabilizing using p95 latency and throughput/);
    assert.match(text, /Latency limit: 20 msec/);
  });
});

describe("formatSummary", () => {
  it("has a line for each level", () => {
    const context = contextOf();
    assert.equal(
      formatSummary([resultOf(context, 1), resultOf(context, 2)], context),
      `Inferences/Second vs. Client Average Batch Latency
Concurrency: 1, throughput: 100 infer/sec, latency 2000 usec
Concurrency: 2, throughput: 200 infer/sec, latency 2000 usec
`,
    );
  });
});

describe("csvFiles", () => {
  it("writes the contract's columns, sorted by throughput", () => {
    const context = contextOf();
    const [file] = csvFiles("out/r.csv", [resultOf(context, 2), resultOf(context, 1)], context);
    assert.equal(file?.path, "out/r.csv");
    assert.equal(
      file.text,
      `Concurrency,Inferences/Second,Client Send,Network+Server Send/Recv,Server Queue,Server Compute Input,Server Compute Infer,Server Compute Output,Client Recv,p50 latency,p90 latency,p95 latency,p99 latency
1,100,100,1450,100,100,100,100,50,2000,2000,2000,2000
2,200,100,1450,100,100,100,100,50,2000,2000,2000,2000
`,
    );
  });

  it("adds columns when it is verbose, and a file for each model of an ensemble", () => {
    assert.ok(growth !== null);
    const context = contextOf("-f", "r.csv", "--verbose-csv");
    const server = { ...growth, composing: [{ ...growth, name: "inner" }] };
    const files = csvFiles("out/r.csv", [resultOf(context, 1, { server })], context);
    assert.deepEqual(
      files.map(({ path }) => path),
      ["out/r.csv", "out/inner_v1.r.csv"],
    );
    assert.match(files[0]?.text ?? "", /,Avg latency,request\/response,response wait\n.*,2000,150,1850\n/);
    // The client has no latencies of what it does not call.
    assert.match(files[1]?.text ?? "", /^Concurrency,.*,Client Recv\n1,[0-9,]*,50\n$/);
  });
});

describe("profileExport", () => {
  it("writes every request with times since 1970 in nanoseconds", () => {
    const context = contextOf();
    const text = profileExport([resultOf(context, 1)], context, "h:1");
    const document = JSON.parse(text) as {
      service_kind: string;
      endpoint: string;
      version: string;
      experiments: {
        experiment: object;
        requests: { sequence_id?: number; request_inputs: object; response_outputs: object[] }[];
        window_boundaries: number[];
      }[];
    };
    assert.deepEqual(
      [document.service_kind, document.endpoint, document.version],
      ["triton", "h:1", "1.2.3"],
    );
    const [experiment] = document.experiments;
    assert.ok(experiment);
    assert.deepEqual(experiment.experiment, { mode: "concurrency", value: 1 });
    assert.equal(experiment.requests.length, 100);
    assert.equal(experiment.window_boundaries.length, 2);
    assert.deepEqual(experiment.requests[1]?.request_inputs, { A: [7] });
    // JSON has no FP16.
    assert.deepEqual(experiment.requests[1].response_outputs, [{ B: { b64: "AQI=" } }]);
    assert.deepEqual(
      experiment.requests.slice(0, 2).map((request) => request.sequence_id),
      [undefined, 1],
    );
    const times = [...text.matchAll(/"timestamp":(\d+).*?"response_timestamps":\[(\d+)\]/g)];
    assert.equal(times.length, 100);
    for (const [, begin = "", end = ""] of times) assert.equal(BigInt(end) - BigInt(begin), 500_000n);
  });

  it("writes each response of a decoupled model with its time", () => {
    const context = { ...contextOf("-i", "grpc", "--streaming"), isDecoupled: true };
    const text = profileExport([resultOf(context, 1, { responseCount: 2 })], context, "localhost:8001");
    const match =
      /"timestamp":(\d+).*?"response_timestamps":\[(\d+),(\d+)\],"response_outputs":\[(.*?)\]/.exec(text);
    const [, begin = "", first = "", last = "", outputs = ""] = match ?? [];
    assert.equal(BigInt(first) - BigInt(begin), 500_000n);
    assert.equal(BigInt(last) - BigInt(begin), 600_000n);
    assert.equal(outputs.match(/"B":/g)?.length, 2);
  });
});
