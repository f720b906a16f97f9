import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { readMetricsPage } from "../../../../perf_analyzer/server-metrics/metrics-reading.ts";
import { parseMetricsPage } from "../../../../perf_analyzer/server-metrics/prometheus-text.ts";

const page = `# HELP nv_gpu_utilization GPU utilization rate [0.0 - 1.0)
# TYPE nv_gpu_utilization gauge
nv_gpu_utilization{gpu_uuid="GPU-a"} 0.25
nv_gpu_utilization{gpu_uuid="GPU-b"} 0.75
nv_gpu_power_usage{gpu_uuid="GPU-a"} 71.5
nv_gpu_memory_used_bytes{gpu_uuid="GPU-a"} 1.5e+09
nv_gpu_memory_total_bytes{gpu_uuid="GPU-a"} 8000000000
nv_cpu_utilization 0.5
nv_cpu_memory_total_bytes 16000000000
nv_inference_pending_request_count{model="m",version="1"} 3
nv_inference_pending_request_count{model="m",version="2"} 4
nv_inference_pending_request_count{model="other",version="1"} 90
`;

describe("parseMetricsPage", () => {
  it("reads names, labels with escapes, and values", () => {
    const samples = parseMetricsPage(
      'a{x="1,2}",y="q\\"\\\\\\n"} 5 1700000000\nb NaN\n# c 1\nbroken{\nd +Inf\n',
    );
    assert.deepEqual(
      samples.map(({ name, labels, value }) => [name, [...labels], value]),
      [
        [
          "a",
          [
            ["x", "1,2}"],
            ["y", 'q"\\\n'],
          ],
          5,
        ],
      ],
    );
  });
});

describe("readMetricsPage", () => {
  it("finds each GPU, the processors and the model's queue", () => {
    const reading = readMetricsPage(page, "m");
    assert.deepEqual(reading.gpus.get("GPU-a"), {
      utilization: 0.25,
      powerWatts: 71.5,
      memoryUsedBytes: 1_500_000_000,
      memoryTotalBytes: 8_000_000_000,
    });
    assert.equal(reading.gpus.get("GPU-b")?.powerWatts, null);
    assert.equal(reading.cpuUtilization, 0.5);
    assert.equal(reading.cpuMemoryUsedBytes, null);
    assert.equal(reading.cpuMemoryTotalBytes, 16_000_000_000);
    assert.equal(reading.pendingRequestCount, 7);
  });

  it("knows nothing of a page without such metrics", () => {
    const reading = readMetricsPage("process_cpu_seconds_total 5\n", "m");
    assert.deepEqual(
      [reading.gpus.size, reading.cpuUtilization, reading.pendingRequestCount],
      [0, null, null],
    );
  });
});
