import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { readMetricsPage } from "../../../../perf_analyzer/server-metrics/metrics-reading.ts";
import { summarizeMetrics } from "../../../../perf_analyzer/server-metrics/metrics-summary.ts";

const page = (utilization: number, usedBytes: number): string =>
  [
    `nv_gpu_utilization{gpu_uuid="g"} ${utilization}`,
    `nv_gpu_memory_used_bytes{gpu_uuid="g"} ${usedBytes}`,
    'nv_gpu_memory_total_bytes{gpu_uuid="g"} 100',
    `nv_cpu_utilization ${utilization / 2}`,
    `nv_cpu_memory_used_bytes ${usedBytes * 2}`,
  ].join("\n");

describe("summarizeMetrics", () => {
  it("averages utilization and takes the highest use of memory", () => {
    const pages = [page(0.25, 10), page(0.75, 30), page(0.5, 20)];
    const summary = summarizeMetrics(pages.map((each) => readMetricsPage(each, "m")));
    assert.deepEqual(summary, {
      readingCount: 3,
      gpus: [
        {
          uuid: "g",
          averageUtilization: 0.5,
          averagePowerWatts: null,
          maxMemoryUsedBytes: 30,
          memoryTotalBytes: 100,
        },
      ],
      averageCpuUtilization: 0.25,
      maxCpuMemoryUsedBytes: 60,
      cpuMemoryTotalBytes: null,
      averagePendingRequestCount: null,
    });
  });

  it("has nothing to tell without readings", () => {
    const summary = summarizeMetrics([]);
    assert.deepEqual(
      [summary.readingCount, summary.gpus.length, summary.averageCpuUtilization],
      [0, 0, null],
    );
  });
});
