import { freemem, totalmem } from "node:os";

/** The machine's memory in bytes. */
export interface MemoryUsage {
  readonly totalBytes: number;
  /** Not available to new programs: caches that the system would give up are not counted. */
  readonly usedBytes: number;
}

const bytesPerKilobyte = 1_024;

/** Reads Linux's `/proc/meminfo`; `null` when the total or the available memory is missing. */
export function parseProcMeminfo(text: string): MemoryUsage | null {
  const total = /^MemTotal: +(\d+) kB$/m.exec(text)?.[1];
  const available = /^MemAvailable: +(\d+) kB$/m.exec(text)?.[1];
  if (total === undefined || available === undefined) return null;
  const totalBytes = Number(total) * bytesPerKilobyte;
  return { totalBytes, usedBytes: Math.max(0, totalBytes - Number(available) * bytesPerKilobyte) };
}

/** The same from Node, for systems without `/proc`. */
export function memoryUsageFromOs(): MemoryUsage {
  const totalBytes = totalmem();
  return { totalBytes, usedBytes: totalBytes - freemem() };
}
