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
