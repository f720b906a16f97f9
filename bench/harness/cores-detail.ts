import type { Detail } from "./bench-case.ts";
import { median } from "./median.ts";

/**
 * How busy a process was, as a detail. A load generator near 1 core may have been the limit itself, as it has one
 * thread; generator and server together near the machine's cores mean that the machine was.
 *
 * @returns Empty where the system does not tell.
 */
export function coresDetail(label: string, cores: readonly (number | null)[]): Detail[] {
  const known = cores.filter((each) => each !== null);
  return known.length === 0 ? [] : [{ label, value: median(known), unit: "cores" }];
}
