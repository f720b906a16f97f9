import { InferenceResponse } from "../../server/core/inference-response.ts";
import type { InferenceRequest } from "../../server/core/inference-request.ts";
import type { Failure, Status } from "../../server/core/status.ts";
import type { InstanceLane, InstancePool } from "../../schedulers/scheduler.ts";

/** An instance pool whose batches end when the test says so. */
export class ManualInstancePool implements InstancePool {
  /** Batches under way, oldest first. */
  readonly running: InferenceRequest[][] = [];
  /** Every batch ever given, for assertions. */
  readonly executed: InferenceRequest[][] = [];
  broken: Status = null;
  /** Told of each batch as it begins. */
  onExecute: (batch: readonly InferenceRequest[]) => void = () => undefined;
  readonly #capacity: number;
  #listener: () => void = () => undefined;
  #onExecuted: (rows: number, executionUs: number) => void = () => undefined;

  constructor(capacity = 1) {
    this.#capacity = capacity;
  }

  hasCapacity(): boolean {
    return this.running.length < this.#capacity;
  }

  execute(batch: InferenceRequest[]): void {
    if (!this.hasCapacity()) throw new Error("executed without capacity");
    this.running.push(batch);
    this.executed.push(batch);
    this.onExecute(batch);
  }

  get instanceCount(): number {
    return this.#capacity;
  }

  onExecuted(listener: (rows: number, executionUs: number) => void): void {
    this.#onExecuted = listener;
  }

  onCapacity(listener: () => void): void {
    this.#listener = listener;
  }

  /** Its instances cannot be told apart: {@link ManualLanePool} has some that can. */
  lanes(): readonly InstanceLane[] {
    return [];
  }

  brokenReason(): Status {
    return this.broken;
  }

  /** Ends the oldest batch successfully. @param executionUs - How long it took, for schedulers that learn. */
  completeOldest(executionUs = 0): void {
    const batch = this.#takeOldest();
    this.#onExecuted(
      batch.reduce((rows, { batchSize }) => rows + batchSize, 0),
      executionUs,
    );
    for (const request of batch) {
      const { id } = request;
      request.complete(
        new InferenceResponse({
          modelName: "m",
          modelVersion: "1",
          id,
          outputs: [],
          parameters: null,
          buffer: null,
        }),
      );
    }
    this.#listener();
  }

  /** Fails every request of the oldest batch. */
  failOldest(failed: Failure): void {
    for (const request of this.#takeOldest()) request.fail(failed);
    this.#listener();
  }

  /** Tells the scheduler that something about the pool has changed. */
  notify(): void {
    this.#listener();
  }

  /** Ids of every executed batch. */
  get executedIds(): string[][] {
    return this.executed.map((batch) => batch.map((request) => request.id));
  }

  #takeOldest(): InferenceRequest[] {
    const batch = this.running.shift();
    if (batch === undefined) throw new Error("no batch is running");
    return batch;
  }
}
