import type { KernelCase } from "./kernel-case.ts";
import { arrangementCases } from "./kernel-cases/arrangement.ts";
import { elementwiseCases } from "./kernel-cases/elementwise.ts";
import { indexingCases } from "./kernel-cases/indexing.ts";
import { neuralCases } from "./kernel-cases/neural.ts";
import { reductionCases } from "./kernel-cases/reductions.ts";

/** What a graph can ask of the kernels, over shapes, types and axes. The first word of a name is the kernel's. */
export const kernelCases: readonly KernelCase[] = [
  ...elementwiseCases,
  ...reductionCases,
  ...arrangementCases,
  ...indexingCases,
  ...neuralCases,
];
