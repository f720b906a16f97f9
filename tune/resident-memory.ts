import { readFile } from "node:fs/promises";

/**
 * The most memory that a process ever had resident, its children's of now included, in megabytes.
 *
 * @returns `null` where the system has no `/proc`, or the process has ended.
 */
export async function peakMemoryMb(pid: number): Promise<number | null> {
  const own = await readProcFile(`/proc/${pid}/status`);
  const peak = own === null ? undefined : /^VmHWM:\s+(\d+) kB$/m.exec(own)?.[1];
  if (peak === undefined) return null;
  const children = (await readProcFile(`/proc/${pid}/task/${pid}/children`)) ?? "";
  // Instances with "isolation" process live in children.
  const peaks = await Promise.all(children.split(" ").filter(Boolean).map(Number).map(peakMemoryMb));
  return peaks.reduce<number>((sum, each) => sum + (each ?? 0), Number(peak) / 1_024);
}

/** Whether {@link peakMemoryMb} knows anything on this system. */
export async function knowsMemory(): Promise<boolean> {
  return (await peakMemoryMb(process.pid)) !== null;
}

async function readProcFile(file: string): Promise<string | null> {
  try {
    return await readFile(file, "utf8");
  } catch {
    return null;
  }
}
