import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { HostMetrics } from "../../../../server/metrics/host-metrics.ts";
import { MetricsRegistry } from "../../../../server/metrics/metrics-registry.ts";
import {
  CacheStatistics,
  ModelStatistics,
  PaddingStatistics,
} from "../../../../server/statistics/model-statistics.ts";

const proc: Record<string, string> = {
  "/proc/stat": "cpu  1 0 0 3\n",
  "/proc/meminfo": "MemTotal: 4 kB\nMemAvailable: 3 kB\n",
};

function makeRegistry(): MetricsRegistry {
  return new MetricsRegistry(new HostMetrics(undefined, (path) => Promise.resolve(proc[path] ?? "")));
}

/** A different number in each counter, so that a family which reads the wrong one is found. */
function numberedStatistics(): ModelStatistics {
  const statistics = new ModelStatistics();
  return Object.assign(statistics, {
    successCount: 1,
    failureCount: 100,
    failureCountByReason: { REJECTED: 2, CANCELED: 3, BACKEND: 4, OTHER: 5 },
    inferenceCount: 6,
    executionCount: 7,
    pendingCount: 8,
    requestUs: 9.9,
    queueUs: 10.9,
    computeInputUs: 11.9,
    computeInferUs: 12.9,
    computeOutputUs: 13.9,
    failureUs: 200,
  });
}

/** The lines of the page that are neither comments nor empty. */
function seriesLines(page: string): string[] {
  return page.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
}

describe("MetricsRegistry", () => {
  it("MetricsRegistry prints every series of a model, with its number", async () => {
    const registry = makeRegistry();
    registry.registerModel({
      name: "m",
      version: "3",
      tags: {},
      statistics: numberedStatistics(),
      loadDurationSecs: 0.25,
    });
    const own = 'model="m",version="3"';
    assert.deepEqual(seriesLines(await registry.render()), [
      `nv_inference_request_success{${own}} 1`,
      `nv_inference_request_failure{${own},reason="REJECTED"} 2`,
      `nv_inference_request_failure{${own},reason="CANCELED"} 3`,
      `nv_inference_request_failure{${own},reason="BACKEND"} 4`,
      `nv_inference_request_failure{${own},reason="OTHER"} 5`,
      `nv_inference_count{${own}} 6`,
      `nv_inference_exec_count{${own}} 7`,
      `nv_inference_pending_request_count{${own}} 8`,
      `nv_inference_request_duration_us{${own}} 9`,
      `nv_inference_queue_duration_us{${own}} 10`,
      `nv_inference_compute_input_duration_us{${own}} 11`,
      `nv_inference_compute_infer_duration_us{${own}} 12`,
      `nv_inference_compute_output_duration_us{${own}} 13`,
      `nv_model_load_duration_secs{${own}} 0.25`,
      "nv_cpu_utilization 0.25",
      "nv_cpu_memory_total_bytes 4096",
      "nv_cpu_memory_used_bytes 1024",
    ]);
  });

  it("MetricsRegistry prints the series of a model's cache and of the server's, with their numbers", async () => {
    const registry = makeRegistry();
    const statistics = new ModelStatistics();
    statistics.cache = Object.assign(new CacheStatistics(), {
      hitCount: 1,
      hitUs: 2.9,
      missCount: 3,
      missUs: 4.9,
    });
    registry.registerModel({ name: "m", version: "3", tags: {}, statistics, loadDurationSecs: 0 });
    const counters = {
      lookupCount: 5,
      hitCount: 6,
      missCount: 7,
      evictionCount: 8,
      lookupUs: 9.9,
      insertUs: 10.9,
      entryCount: 11,
      usedBytes: 12,
      capacityBytes: 48,
    };
    registry.registerCache({ counters });
    const own = 'model="m",version="3"';
    assert.deepEqual(
      seriesLines(await registry.render()).filter((line) => line.startsWith("nv_cache_")),
      [
        `nv_cache_num_hits_per_model{${own}} 1`,
        `nv_cache_num_misses_per_model{${own}} 3`,
        `nv_cache_hit_duration_per_model{${own}} 2`,
        `nv_cache_miss_duration_per_model{${own}} 4`,
        "nv_cache_util 0.25",
        "nv_cache_num_entries 11",
        "nv_cache_num_hits 6",
        "nv_cache_num_misses 7",
        "nv_cache_num_lookups 5",
        "nv_cache_num_evictions 8",
        "nv_cache_lookup_duration 9",
        "nv_cache_insertion_duration 10",
      ],
    );
  });

  it("MetricsRegistry reads the statistics at each scrape, until the model is unregistered", async () => {
    const registry = makeRegistry();
    const statistics = new ModelStatistics();
    const unregister = registry.registerModel({
      name: "m",
      version: "1",
      tags: {},
      statistics,
      loadDurationSecs: 0,
    });
    assert.match(await registry.render(), /^nv_inference_count\{model="m",version="1"\} 0$/m);
    statistics.inferenceCount = 4;
    assert.match(await registry.render(), /^nv_inference_count\{model="m",version="1"\} 4$/m);
    unregister();
    assert.doesNotMatch(await registry.render(), /model="m"/);
  });

  it("MetricsRegistry shows padding only of models that pad", async () => {
    const registry = makeRegistry();
    const statistics = new ModelStatistics();
    registry.registerModel({ name: "m", version: "1", tags: {}, statistics, loadDurationSecs: 0 });
    assert.doesNotMatch(await registry.render(), /^nv_inference_padd\w+\{/m);
    statistics.padding = Object.assign(new PaddingStatistics(), { elementCount: 9, paddingCount: 2 });
    const page = await registry.render();
    assert.match(page, /^nv_inference_padded_element_count\{model="m",version="1"\} 9$/m);
    assert.match(page, /^nv_inference_padding_element_count\{model="m",version="1"\} 2$/m);
  });

  it("MetricsRegistry prints HELP and TYPE of every family without a model", async () => {
    const page = await makeRegistry().render();
    const types = [...page.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map((match) => `${match[1]} ${match[2]}`);
    assert.deepEqual(types, [
      "nv_inference_request_success counter",
      "nv_inference_request_failure counter",
      "nv_inference_count counter",
      "nv_inference_exec_count counter",
      "nv_inference_pending_request_count gauge",
      "nv_inference_request_duration_us counter",
      "nv_inference_queue_duration_us counter",
      "nv_inference_compute_input_duration_us counter",
      "nv_inference_compute_infer_duration_us counter",
      "nv_inference_compute_output_duration_us counter",
      "nv_inference_padded_element_count counter",
      "nv_inference_padding_element_count counter",
      "nv_model_load_duration_secs gauge",
      "nv_cache_num_hits_per_model counter",
      "nv_cache_num_misses_per_model counter",
      "nv_cache_hit_duration_per_model counter",
      "nv_cache_miss_duration_per_model counter",
      "nv_cpu_utilization gauge",
      "nv_cpu_memory_total_bytes gauge",
      "nv_cpu_memory_used_bytes gauge",
    ]);
    assert.equal([...page.matchAll(/^# HELP \S+ \S.*$/gm)].length, types.length);
  });

  it("MetricsRegistry escapes label values", async () => {
    const registry = makeRegistry();
    const statistics = new ModelStatistics();
    registry.registerModel({
      name: 'a"b',
      version: "1",
      tags: { t: "c\\d\ne" },
      statistics,
      loadDurationSecs: 0,
    });
    assert.match(
      await registry.render(),
      /^nv_inference_count\{model="a\\"b",version="1",_t="c\\\\d\\ne"\} 0$/m,
    );
  });

  it("MetricsRegistry initialize takes the reading that the first page starts from", async () => {
    let reads = 0;
    const registry = new MetricsRegistry(
      new HostMetrics(undefined, (path) => {
        reads++;
        return Promise.resolve(proc[path] ?? "");
      }),
    );
    await registry.initialize();
    assert.equal(reads, 2);
  });

  it("MetricsRegistry of one server knows nothing of another's models", async () => {
    const first = makeRegistry();
    first.registerModel({
      name: "m",
      version: "1",
      tags: {},
      statistics: new ModelStatistics(),
      loadDurationSecs: 0,
    });
    assert.doesNotMatch(await makeRegistry().render(), /model="m"/);
  });
});
