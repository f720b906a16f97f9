import { availableParallelism } from "node:os";

/** What one model's CPU instances get. */
export interface CoreGrant {
  /** Threads per instance, at least 1. */
  readonly threadCount: number;
  /** Instances × threads exceed the cores: to be logged, never silent. */
  readonly isOverBudget: boolean;
}

/**
 * Shares the machine's cores between a model's CPU instances. One for the whole server.
 *
 * @remarks
 * A model's instances × threads stay within the budget, unless the model has more instances than there are cores
 * or its config asks for more threads; then the grant says so. Different models may each use the whole budget:
 * which of them is busy is not known when they load, and threads do not spin while they wait, so idle models cost
 * nothing and busy ones are shared out by the operating system.
 */
export class CoreBudget {
  readonly coreCount: number;

  /** @param coreCount - By default what the process may use: containers and CPU masks are respected. */
  constructor(coreCount = availableParallelism()) {
    this.coreCount = coreCount;
  }

  /** @param wanted - Threads per instance that the config asks for, or `null` for an equal share. */
  grant(instanceCount: number, wanted: number | null): CoreGrant {
    const share = Math.max(1, Math.floor(this.coreCount / Math.max(1, instanceCount)));
    const threadCount = wanted ?? share;
    return { threadCount, isOverBudget: instanceCount * threadCount > this.coreCount };
  }
}
