import { setFlagsFromString } from "node:v8";

/** How far the heap may grow, in percent of what was alive, until all of it is collected again. */
const heapGrowthPercent = 400;

/**
 * Has V8 collect the whole heap less often. The server's objects are few and live long, while each large tensor passes
 * through several buffers outside of the heap: V8 counts these bytes as growth of a heap of some 13 MB, and collects it
 * after every fourth or fifth message of 600 KB, on all cores. With more room the buffers die in the cheap collections
 * of young objects: 2.2 ms of processor time a call instead of 8.5 (bench "grpc-600k", docs/performance.md).
 *
 * @remarks Given up: a heap that is large because of what is alive may grow to five times its size, within the limit that
 * `--max-old-space-size` sets. Holds for the whole process, workers included. Call it once, before work begins.
 */
export function letHeapGrow(): void {
  setFlagsFromString(`--heap-growing-percent=${heapGrowthPercent}`);
}
