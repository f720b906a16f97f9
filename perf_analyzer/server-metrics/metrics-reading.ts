import { type MetricSample, parseMetricsPage } from "./prometheus-text.ts";

/** A GPU at one moment; `null` for what the server does not tell. */
export interface GpuReading {
  /** 0 to 1. */
  readonly utilization: number | null;
  readonly powerWatts: number | null;
  readonly memoryUsedBytes: number | null;
  readonly memoryTotalBytes: number | null;
}

/** What a server tells of its machine at one moment; `null` for what it does not. */
export interface MetricsReading {
  /** By the GPU's UUID. */
  readonly gpus: ReadonlyMap<string, GpuReading>;
  /** 0 to 1. */
  readonly cpuUtilization: number | null;
  readonly cpuMemoryUsedBytes: number | null;
  readonly cpuMemoryTotalBytes: number | null;
  /** Of the measured model: requests that wait for their execution. All versions together. */
  readonly pendingRequestCount: number | null;
}

/** Reads a server's metrics page. */
export function readMetricsPage(page: string, modelName: string): MetricsReading {
  const samples = parseMetricsPage(page);
  const valueOf = (name: string): number | null =>
    samples.find((sample) => sample.name === name)?.value ?? null;
  const pending = samples.filter(
    ({ name, labels }) => name === "nv_inference_pending_request_count" && labels.get("model") === modelName,
  );
  return {
    gpus: readGpus(samples),
    cpuUtilization: valueOf("nv_cpu_utilization"),
    cpuMemoryUsedBytes: valueOf("nv_cpu_memory_used_bytes"),
    cpuMemoryTotalBytes: valueOf("nv_cpu_memory_total_bytes"),
    pendingRequestCount: pending.length === 0 ? null : pending.reduce((sum, { value }) => sum + value, 0),
  };
}

function readGpus(samples: readonly MetricSample[]): ReadonlyMap<string, GpuReading> {
  const uuids = new Set(
    samples.flatMap(({ name, labels }) => {
      const uuid = labels.get("gpu_uuid");
      return uuid === undefined || !name.startsWith("nv_gpu_") ? [] : [uuid];
    }),
  );
  return new Map(
    [...uuids].map((uuid) => {
      const valueOf = (name: string): number | null =>
        samples.find((sample) => sample.name === name && sample.labels.get("gpu_uuid") === uuid)?.value ??
        null;
      const reading = {
        utilization: valueOf("nv_gpu_utilization"),
        powerWatts: valueOf("nv_gpu_power_usage"),
        memoryUsedBytes: valueOf("nv_gpu_memory_used_bytes"),
        memoryTotalBytes: valueOf("nv_gpu_memory_total_bytes"),
      };
      return [uuid, reading];
    }),
  );
}
