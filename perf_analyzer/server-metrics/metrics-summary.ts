import type { GpuReading, MetricsReading } from "./metrics-reading.ts";

/** A GPU over some time; `null` for what the server does not tell. */
export interface GpuSummary {
  readonly uuid: string;
  /** 0 to 1. */
  readonly averageUtilization: number | null;
  readonly averagePowerWatts: number | null;
  readonly maxMemoryUsedBytes: number | null;
  readonly memoryTotalBytes: number | null;
}

/** What was read of a server's metrics over some time; `null` for what it does not tell. */
export interface MetricsSummary {
  readonly readingCount: number;
  readonly gpus: readonly GpuSummary[];
  /** 0 to 1. */
  readonly averageCpuUtilization: number | null;
  readonly maxCpuMemoryUsedBytes: number | null;
  readonly cpuMemoryTotalBytes: number | null;
  readonly averagePendingRequestCount: number | null;
}

/** Averages what changes, and takes the highest use of memory. @see contract §9.4 */
export function summarizeMetrics(readings: readonly MetricsReading[]): MetricsSummary {
  const numbers = (numberOf: (reading: MetricsReading) => number | null): readonly number[] =>
    readings.map(numberOf).filter((value) => value !== null);
  const uuids = [...new Set(readings.flatMap(({ gpus }) => [...gpus.keys()]))];
  return {
    readingCount: readings.length,
    gpus: uuids.map((uuid) => {
      const gpu = (numberOf: (reading: GpuReading) => number | null): readonly number[] =>
        numbers(({ gpus }) => {
          const reading = gpus.get(uuid);
          return reading === undefined ? null : numberOf(reading);
        });
      return {
        uuid,
        averageUtilization: average(gpu(({ utilization }) => utilization)),
        averagePowerWatts: average(gpu(({ powerWatts }) => powerWatts)),
        maxMemoryUsedBytes: highest(gpu(({ memoryUsedBytes }) => memoryUsedBytes)),
        memoryTotalBytes: highest(gpu(({ memoryTotalBytes }) => memoryTotalBytes)),
      };
    }),
    averageCpuUtilization: average(numbers(({ cpuUtilization }) => cpuUtilization)),
    maxCpuMemoryUsedBytes: highest(numbers(({ cpuMemoryUsedBytes }) => cpuMemoryUsedBytes)),
    cpuMemoryTotalBytes: highest(numbers(({ cpuMemoryTotalBytes }) => cpuMemoryTotalBytes)),
    averagePendingRequestCount: average(numbers(({ pendingRequestCount }) => pendingRequestCount)),
  };
}

function average(values: readonly number[]): number | null {
  return values.length === 0 ? null : values.reduce((sum, value) => sum + value, 0) / values.length;
}

function highest(values: readonly number[]): number | null {
  return values.length === 0 ? null : Math.max(...values);
}
