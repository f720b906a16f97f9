import { readFileSync } from "node:fs";

/** Linux reports process times in hundredths of a second on every architecture that Node runs on. */
const ticksPerSecond = 100;

/**
 * Processor seconds that a process and its threads have used so far.
 *
 * @returns `null` when the process is gone or the system has no `/proc`.
 */
export function cpuSeconds(pid: number): number | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
    // The second field is the command in parentheses and may hold spaces; utime and stime are fields 14 and 15.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return (Number(fields[11]) + Number(fields[12])) / ticksPerSecond;
  } catch {
    return null;
  }
}

/** What a piece of work returned, and how busy a process was meanwhile. */
export interface Metered<T> {
  readonly result: T;
  /** Cores that the process kept busy on average, `null` where not known. */
  readonly cores: number | null;
}

/** Does `work` and measures the processor time that process `pid` uses meanwhile. */
export async function meterCores<T>(pid: number, work: () => Promise<T>): Promise<Metered<T>> {
  const usedBefore = cpuSeconds(pid);
  const start = performance.now();
  const result = await work();
  const usedAfter = cpuSeconds(pid);
  const seconds = (performance.now() - start) / 1e3;
  return {
    result,
    cores: usedBefore === null || usedAfter === null ? null : (usedAfter - usedBefore) / seconds,
  };
}
