import assert from "node:assert/strict";
import { describe, it } from "mocha";
import {
  InferenceProfiler,
  type LevelResult,
  type ProfilerOptions,
} from "../../../perf_analyzer/inference-profiler.ts";
import type { CollectedMetrics } from "../../../perf_analyzer/server-metrics/metrics-collector.ts";
import type { StatisticsReading } from "../../../perf_analyzer/server-statistics.ts";
import { ManualProfilerClock } from "../../helpers/manual-profiler-clock.ts";
import { SimulatedLoad, type SimulatedServer } from "../../helpers/simulated-load.ts";
import { statisticsOf } from "./statistics-fixture.ts";

const defaults: ProfilerOptions = {
  measurementMode: "time_windows",
  measurementIntervalMs: 1_000,
  measurementRequestCount: 50,
  stabilityPercentage: 10,
  percentile: null,
  maxTrials: 10,
  warmupRequestCount: 0,
  requestCount: 0,
  latencyThresholdMs: 0,
  batchSize: 1,
  isAsync: false,
};

interface Run {
  readonly result: LevelResult;
  readonly load: SimulatedLoad;
  readonly windowCount: number;
}

async function profile(
  server: SimulatedServer,
  options: Partial<ProfilerOptions> = {},
  parts: {
    concurrency?: number;
    statistics?: () => StatisticsReading | null;
    abortAtUs?: number;
    metrics?: () => CollectedMetrics;
  } = {},
): Promise<Run> {
  const clock = new ManualProfilerClock();
  const load = new SimulatedLoad(clock, server);
  const abort = new AbortController();
  const startUs = clock.nowUs();
  clock.onMove = (nowUs) => {
    if (parts.abortAtUs !== undefined && nowUs - startUs >= parts.abortAtUs) abort.abort();
  };
  let windowCount = 0;
  const profiler = new InferenceProfiler(
    { ...defaults, ...options },
    {
      load,
      clock,
      readStatistics: () => Promise.resolve(parts.statistics?.() ?? null),
      takeMetrics: () => parts.metrics?.() ?? null,
      signal: abort.signal,
      observer: { onWindow: () => windowCount++, onProgress: () => undefined },
    },
  );
  const result = await profiler.profile({ kind: "concurrency", concurrency: parts.concurrency ?? 1 });
  return { result, load, windowCount };
}

function within(actual: number, truth: number, percent: number): void {
  assert.ok(
    Math.abs(actual - truth) <= (truth * percent) / 100,
    `${actual} is not within ${percent} % of ${truth}`,
  );
}

describe("InferenceProfiler", () => {
  for (const { serviceUs, concurrency } of [
    { serviceUs: 2_000, concurrency: 1 },
    { serviceUs: 700, concurrency: 4 },
    { serviceUs: 25_000, concurrency: 16 },
  ]) {
    it(`reports the true numbers of a server that takes ${serviceUs} µs at concurrency ${concurrency}`, async () => {
      const { result } = await profile({ serviceUs: () => serviceUs }, {}, { concurrency });
      assert.deepEqual(result.outcome, { kind: "stable", warning: null });
      within(result.summary.throughput, (concurrency * 1e6) / serviceUs, 2);
      within(result.summary.latency.averageUs, serviceUs, 2);
      within(result.summary.latency.percentilesUs.get(99) ?? 0, serviceUs, 2);
      assert.equal(result.summary.averageSendUs, 10);
      assert.equal(result.summary.averageReceiveUs, 20);
    });
  }

  it("reports percentiles of a server with known slow requests", async () => {
    // 6 of 100 requests take ten times as long.
    const { result } = await profile({ serviceUs: (index) => (index % 100 < 6 ? 10_000 : 1_000) });
    const { percentilesUs, averageUs } = result.summary.latency;
    within(averageUs, 1_540, 2);
    within(percentilesUs.get(90) ?? 0, 1_000, 2);
    within(percentilesUs.get(95) ?? 0, 10_000, 2);
    within(result.summary.throughput, 1e6 / 1_540, 2);
  });

  it("counts rows, not requests, as throughput", async () => {
    const { result } = await profile({ serviceUs: () => 1_000 }, { batchSize: 8 });
    within(result.summary.throughput, 8_000, 2);
  });

  it("measures 1.2 times the interval and leaves no gap between windows", async () => {
    const { result, load } = await profile({ serviceUs: () => 999 });
    assert.equal(result.windows.length, 3);
    result.windows.forEach((window, i) => {
      assert.equal(window.endUs - window.startUs, 1_200_000);
      if (i > 0) assert.equal(window.startUs, result.windows[i - 1]?.endUs);
    });
    const counted = result.windows.reduce((sum, { requests }) => sum + requests.length, 0);
    assert.equal(counted, load.ended.length);
  });

  it("waits until three windows in a row agree", async () => {
    // The server gets faster for 4 windows.
    const { result, windowCount } = await profile({
      serviceUs: (index) => (index < 600 ? 4_000 : index < 1_800 ? 2_000 : 1_000),
    });
    assert.equal(result.outcome.kind, "stable");
    assert.ok(windowCount > 5, `${windowCount} windows`);
    within(result.summary.throughput, 1_000, 2);
  });

  it("gives up after max-trials windows", async () => {
    const { result, windowCount } = await profile(
      { serviceUs: (index) => 1_000 + index * 10 },
      { maxTrials: 5 },
    );
    assert.equal(result.outcome.kind, "unstable");
    assert.equal(windowCount, 5);
  });

  it("accepts a stable throughput alone with a warning when calls are asynchronous", async () => {
    // The average stays, the 99th percentile changes from window to window.
    const server = { serviceUs: (index: number) => (index % 50 === 0 ? 1_000 + (index % 4_000) * 5 : 1_000) };
    const options = { percentile: 99, maxTrials: 6 };
    const sync = await profile(server, options);
    assert.equal(sync.result.outcome.kind, "unstable");
    const { result } = await profile(server, { ...options, isAsync: true, stabilityPercentage: 40 });
    assert.equal(result.outcome.kind, "stable");
    assert.match(JSON.stringify(result.outcome), /throughput/);
  });

  it("ends a level whose last three windows are all above the latency limit", async () => {
    const { result, windowCount } = await profile(
      { serviceUs: (index) => 5_000 + index * 20 },
      { latencyThresholdMs: 1 },
    );
    assert.equal(result.outcome.kind, "above limit");
    assert.equal(windowCount, 3);
  });

  it("ends a count window when it has enough requests, looking once a second", async () => {
    const { result } = await profile(
      { serviceUs: () => 100_000 },
      { measurementMode: "count_windows", measurementRequestCount: 25 },
    );
    for (const { startUs, endUs, requests } of result.windows) {
      assert.equal(endUs - startUs, 3_000_000);
      assert.equal(requests.length, 30);
    }
    within(result.summary.throughput, 10, 2);
  });

  it("measures exactly request-count requests in one window", async () => {
    const { result, load } = await profile(
      { serviceUs: () => 1_500 },
      { requestCount: 40 },
      { concurrency: 4 },
    );
    assert.equal(result.summary.requestCount, 40);
    assert.equal(result.windows.length, 1);
    assert.equal(load.runs[0]?.requestCount, 40);
    within(result.summary.throughput, 4e6 / 1_500, 2);
  });

  it("measures a count of requests from the first one, however late the threads begin", async () => {
    const server = { serviceUs: () => 1_500, startDelayUs: 400_000 };
    const { result } = await profile(server, { requestCount: 40 }, { concurrency: 4 });
    within(result.summary.throughput, 4e6 / 1_500, 2);
  });

  it("sends warm-up requests first and does not count them", async () => {
    const { result, load } = await profile(
      { serviceUs: () => 1_000 },
      { warmupRequestCount: 7, requestCount: 20 },
    );
    assert.deepEqual(
      load.runs.map(({ requestCount }) => requestCount),
      [7, 20],
    );
    assert.equal(result.summary.requestCount, 20);
  });

  it("keeps what was measured when a request fails", async () => {
    const { result } = await profile({ serviceUs: () => 1_000, failsAt: 2_000 });
    assert.deepEqual(result.outcome, { kind: "failed", message: "HTTP 500: it broke" });
    assert.equal(result.summary.requestCount, 2_000);
  });

  it("keeps what was measured when the user interrupts it", async () => {
    const { result } = await profile({ serviceUs: () => 1_000 }, {}, { abortAtUs: 1_500_000 });
    assert.equal(result.outcome.kind, "interrupted");
    assert.equal(result.windows.length, 2);
    within(result.summary.throughput, 1_000, 2);
  });

  it("reports how the server's counters grew over the windows of the result", async () => {
    let count = 1_000;
    const { result } = await profile(
      { serviceUs: () => 1_000 },
      {},
      {
        statistics: () => {
          count += 10;
          return {
            versions: [statisticsOf("m", "1", { count, nsPerRequest: 5_000 })],
            composing: [],
            isEnsemble: false,
          };
        },
      },
    );
    assert.equal(result.summary.server?.inferenceCount, 30);
    assert.equal(result.summary.server.durations.success.ns, 150_000);
  });

  it("counts the time in which the load threads did not wait as overhead", async () => {
    const { result } = await profile({ serviceUs: () => 1_000 });
    assert.equal(result.summary.overheadPercent, 0);
  });

  it("reports responses and the time to the first one of a decoupled model", async () => {
    const server = { serviceUs: () => 40_000, responseCount: 5, firstResponseUs: 8_000 };
    const { result } = await profile(server, {}, { concurrency: 4 });
    within(result.summary.throughput, 100, 2);
    within(result.summary.responseThroughput, 500, 2);
    assert.equal(result.summary.responseCount, result.summary.requestCount * 5);
    within(result.summary.latency.averageUs, 40_000, 2);
    within(result.summary.firstResponse.averageUs, 8_000, 2);
    within(result.summary.firstResponse.percentilesUs.get(99) ?? 0, 8_000, 2);
  });

  it("counts a request without a response as none", async () => {
    const { result } = await profile({ serviceUs: () => 1_000, responseCount: 0 });
    assert.equal(result.summary.responseThroughput, 0);
    assert.equal(result.summary.firstResponse.averageUs, 0);
    within(result.summary.throughput, 1_000, 2);
  });

  it("sends what warmed up a schedule of set times not again", async () => {
    const clock = new ManualProfilerClock();
    const load = new SimulatedLoad(clock, { serviceUs: () => 1_000 });
    const profiler = new InferenceProfiler(
      { ...defaults, warmupRequestCount: 2, requestCount: 3 },
      {
        load,
        clock,
        readStatistics: () => Promise.resolve(null),
        takeMetrics: () => null,
        signal: new AbortController().signal,
        observer: { onWindow: () => undefined, onProgress: () => undefined },
      },
    );
    const arrivals = { kind: "times", timesUs: [0, 1, 2, 3, 4] } as const;
    await profiler.profile({ kind: "rate", arrivals, value: 1 });
    assert.deepEqual(
      load.runs.map(({ requestCount, skipCount }) => [requestCount, skipCount]),
      [
        [2, 0],
        [3, 2],
      ],
    );
  });

  it("reports the metrics that were read during the windows of the result, not before", async () => {
    let reading = 0;
    const metrics = (): CollectedMetrics => {
      const cpuUtilization = reading++ / 10;
      const unknown = { cpuMemoryUsedBytes: null, cpuMemoryTotalBytes: null, pendingRequestCount: null };
      return { readings: [{ gpus: new Map(), cpuUtilization, ...unknown }], failure: null };
    };
    const { result } = await profile({ serviceUs: () => 1_000 }, {}, { metrics });
    assert.equal(result.summary.metrics?.readingCount, 3);
    assert.equal(result.summary.metrics.averageCpuUtilization?.toFixed(6), "0.200000");
  });
});
