import type { Detail } from "./bench-case.ts";
import { median } from "./median.ts";

/**
 * How busy the load generator was, as a detail: near 1 core its single thread may have been the limit.
 *
 * @returns Empty where the system does not tell.
 */
export function generatorDetail(label: string, cores: readonly (number | null)[]): Detail[] {
  const known = cores.filter((each) => each !== null);
  return known.length === 0 ? [] : [{ label, value: median(known), unit: "cores" }];
}
