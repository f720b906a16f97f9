import type { PooledInstance } from "../../server/model/model-instance-pool.ts";
import type { InferenceRequest } from "../../server/core/inference-request.ts";

/** An instance of a pool that only writes down what it is asked to do. */
export class ManualInstance implements PooledInstance {
  readonly name: string;
  batchesUnderWay = 0;
  maxBatchesUnderWay = 2;
  readonly executed: InferenceRequest[][] = [];
  /** How it was ended, in order. */
  readonly ends: ("finalize" | "terminate")[] = [];
  /** Resolves or rejects when {@link finalize} is to be done. */
  finalized: Promise<void> = Promise.resolve();

  constructor(name: string) {
    this.name = name;
  }

  execute(batch: InferenceRequest[]): void {
    this.batchesUnderWay++;
    this.executed.push(batch);
  }

  finalize(): Promise<void> {
    this.ends.push("finalize");
    return this.finalized;
  }

  terminate(): Promise<void> {
    this.ends.push("terminate");
    return Promise.resolve();
  }
}
