import { readFileSync } from "node:fs";

/**
 * Memory of a process that lies in RAM, in MB.
 *
 * @returns `null` when the process is gone or the system has no `/proc`.
 */
export function residentMegabytes(pid: number): number | null {
  try {
    const kilobytes = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "latin1"))?.[1];
    return kilobytes === undefined ? null : Number(kilobytes) / 1e3;
  } catch {
    return null;
  }
}
