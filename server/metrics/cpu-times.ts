import { cpus } from "node:os";

/** How long the processors have been busy and idle since the machine started, in some unit of the system's own. */
export interface CpuTimes {
  readonly busy: number;
  readonly idle: number;
}

/**
 * Reads the sum line of Linux's `/proc/stat`:
 * `cpu user nice system idle iowait irq softirq steal guest guest_nice`. Waiting for a disk counts as idle; time of
 * guests is part of `user` already.
 *
 * @returns `null` when the text has no such line.
 */
export function parseProcStat(text: string): CpuTimes | null {
  const fields = /^cpu +(\d[\d ]*)$/m.exec(text)?.[1]?.trim().split(/ +/).map(Number);
  if (fields === undefined || fields.length < 4) return null;
  const [user = 0, nice = 0, system = 0, idle = 0, ioWait = 0, irq = 0, softIrq = 0, steal = 0] = fields;
  return { busy: user + nice + system + irq + softIrq + steal, idle: idle + ioWait };
}

/** The same from Node's own list of processors, for systems without `/proc`. */
export function cpuTimesFromOs(): CpuTimes {
  let busy = 0;
  let idle = 0;
  for (const { times } of cpus()) {
    busy += times.user + times.nice + times.sys + times.irq;
    idle += times.idle;
  }
  return { busy, idle };
}

/**
 * Share of the time between two readings in which the processors were busy, 0 to 1. 0 when no time has passed. A
 * counter that went back (a processor was taken away) counts as standing still.
 */
export function utilizationBetween(before: CpuTimes, after: CpuTimes): number {
  const busy = Math.max(0, after.busy - before.busy);
  const idle = Math.max(0, after.idle - before.idle);
  return busy + idle === 0 ? 0 : busy / (busy + idle);
}
