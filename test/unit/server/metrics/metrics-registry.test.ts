import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { HostMetrics } from "../../../../server/metrics/host-metrics.ts";
import { defaultMetricsConfig } from "../../../../server/metrics/metrics-config.ts";
import { MetricsRegistry } from "../../../../server/metrics/metrics-registry.ts";
import { FirstResponseHistogram } from "../../../../server/statistics/first-response-histogram.ts";
import { LatencySummaries } from "../../../../server/statistics/latency-summaries.ts";
import { ManualClock } from "../../../helpers/manual-clock.ts";
import { makeRequest } from "../../../helpers/recorded-request.ts";
import {
  CacheStatistics,
  ModelStatistics,
  PaddingStatistics,
} from "../../../../server/statistics/model-statistics.ts";

const proc: Record<string, string> = {
  "/proc/stat": "cpu  1 0 0 3\n",
  "/proc/meminfo": "MemTotal: 4 kB\nMemAvailable: 3 kB\n",
};

function makeRegistry(config = defaultMetricsConfig): MetricsRegistry {
  return new MetricsRegistry(config, new HostMetrics(undefined, (path) => Promise.resolve(proc[path] ?? "")));
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
      namespace: null,
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
    registry.registerModel({
      name: "m",
      version: "3",
      namespace: null,
      tags: {},
      statistics,
      loadDurationSecs: 0,
    });
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
      namespace: null,
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
    registry.registerModel({
      name: "m",
      version: "1",
      namespace: null,
      tags: {},
      statistics,
      loadDurationSecs: 0,
    });
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

  it("MetricsRegistry leaves out the counters of durations and of cached models when told so, and keeps the counts (row 164)", async () => {
    const registry = makeRegistry({ ...defaultMetricsConfig, counterLatencies: false });
    const statistics = numberedStatistics();
    statistics.cache = new CacheStatistics();
    registry.registerModel({
      name: "m",
      version: "3",
      namespace: null,
      tags: {},
      statistics,
      loadDurationSecs: 0.25,
    });
    const page = await registry.render();
    assert.doesNotMatch(page, /_duration_us|_per_model|summary|histogram/);
    assert.match(page, /^nv_inference_request_success\{model="m",version="3"\} 1$/m);
    assert.match(page, /^nv_inference_count\{model="m",version="3"\} 6$/m);
    assert.match(page, /^nv_inference_exec_count\{model="m",version="3"\} 7$/m);
    assert.match(page, /^nv_model_load_duration_secs\{model="m",version="3"\} 0.25$/m);
  });

  it("MetricsRegistry shows the distributions of models that have some, and nothing of others", async () => {
    const registry = makeRegistry();
    const clock = new ManualClock(0);
    const statistics = new ModelStatistics();
    const nowUs = (): number => clock.nowUs();
    const add = (version: string, of: ModelStatistics): (() => void) =>
      registry.registerModel({
        name: "m",
        version,
        namespace: null,
        tags: {},
        statistics: of,
        loadDurationSecs: 0,
      });
    add("2", new ModelStatistics());
    assert.doesNotMatch(await registry.render(), /summary|histogram/);

    statistics.summaries = new LatencySummaries([{ quantile: 0.5, error: 0.01 }], nowUs);
    statistics.firstResponse = new FirstResponseHistogram([0.5, 10], nowUs);
    const remove = add("1", statistics);
    const { request } = makeRequest();
    clock.advance(7_500);
    statistics.firstResponse.onFirstResponse(request);
    statistics.onSuccess(
      Object.assign(request, {
        queueStartUs: 1,
        computeStartUs: 11,
        computeInputEndUs: 111,
        computeOutputStartUs: 1_111,
        computeEndUs: 1_131.9,
      }),
    );
    const page = await registry.render();
    const own = 'model="m",version="1"';
    const summary = (part: string, us: number): string[] => [
      `nv_inference_${part}_summary_us{${own},quantile="0.5"} ${us}`,
      `nv_inference_${part}_summary_us_sum{${own}} ${us}`,
      `nv_inference_${part}_summary_us_count{${own}} 1`,
    ];
    const histogram = "nv_inference_first_response_histogram_ms";
    assert.deepEqual(
      seriesLines(page).filter((line) => /summary|histogram/.test(line)),
      [
        `${histogram}_bucket{${own},le="0.5"} 0`,
        `${histogram}_bucket{${own},le="10"} 1`,
        `${histogram}_bucket{${own},le="+Inf"} 1`,
        `${histogram}_sum{${own}} 7`,
        `${histogram}_count{${own}} 1`,
        ...summary("request", 1_131),
        ...summary("queue", 10),
        ...summary("compute_input", 100),
        ...summary("compute_infer", 1_000),
        ...summary("compute_output", 20),
      ],
    );
    assert.match(page, /^# TYPE nv_inference_first_response_histogram_ms histogram$/m);
    assert.match(page, /^# TYPE nv_inference_queue_summary_us summary$/m);
    remove();
    assert.doesNotMatch(await registry.render(), /summary|histogram/);
  });

  it("MetricsRegistry shows the summaries of a cached model's look-ups in the place of its requests' (row 165)", async () => {
    const registry = makeRegistry();
    const statistics = new ModelStatistics();
    statistics.cache = new CacheStatistics();
    statistics.summaries = new LatencySummaries([{ quantile: 0.5, error: 0.01 }], () => 1);
    registry.registerModel({
      name: "m",
      version: "1",
      namespace: null,
      tags: {},
      statistics,
      loadDurationSecs: 0,
    });
    statistics.onCacheMiss(3, 4);
    statistics.onSuccess(Object.assign(makeRequest().request, { cacheHitUs: 2, computeStartUs: 9 }));
    const page = await registry.render();
    assert.doesNotMatch(page, /nv_inference_request_summary/);
    assert.match(page, /^nv_inference_queue_summary_us_sum\{model="m",version="1"\} 9$/m);
    assert.match(
      page,
      /^nv_inference_compute_infer_summary_us\{model="m",version="1",quantile="0.5"\} Nan$/m,
    );
    assert.match(page, /^nv_inference_compute_infer_summary_us_count\{model="m",version="1"\} 0$/m);
    assert.match(page, /^nv_cache_hit_summary_per_model\{model="m",version="1",quantile="0.5"\} 2$/m);
    assert.match(page, /^nv_cache_miss_summary_per_model_sum\{model="m",version="1"\} 7$/m);
  });

  it("MetricsRegistry escapes label values", async () => {
    const registry = makeRegistry();
    const statistics = new ModelStatistics();
    registry.registerModel({
      name: 'a"b',
      version: "1",
      namespace: null,
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
      defaultMetricsConfig,
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
      namespace: null,
      tags: {},
      statistics: new ModelStatistics(),
      loadDurationSecs: 0,
    });
    assert.doesNotMatch(await makeRegistry().render(), /model="m"/);
  });
});
