import type { InferenceRequest } from "../../server/core/inference-request.ts";
import type { Status } from "../../server/core/status.ts";
import type { InstanceLane, InstancePool } from "../scheduler.ts";

/** A pool of one instance, for the dynamic batcher that serves only that instance. */
export class LanePool implements InstancePool {
  readonly #instance: InstanceLane;
  /** What the instance belongs to. */
  readonly #pool: Pick<InstancePool, "brokenReason">;
  #listener: () => void = () => undefined;
  #broken: Status = null;

  constructor(instance: InstanceLane, pool: Pick<InstancePool, "brokenReason">) {
    this.#instance = instance;
    this.#pool = pool;
  }

  hasCapacity(): boolean {
    return this.#instance.hasCapacity();
  }

  execute(batch: InferenceRequest[]): void {
    this.#instance.execute(batch);
  }

  onCapacity(listener: () => void): void {
    this.#listener = listener;
  }

  /** Executions are measured where all instances of the model come together. */
  onExecuted(): void {
    // Nobody here asks.
  }

  readonly instanceCount = 1;

  brokenReason(): Status {
    return this.#broken ?? this.#pool.brokenReason();
  }

  lanes(): readonly InstanceLane[] {
    return [this.#instance];
  }

  /** The instance may have become free. */
  notifyCapacity(): void {
    this.#listener();
  }

  /** Nothing runs here any more. */
  breakDown(reason: Status): void {
    this.#broken = reason;
    this.#listener();
  }
}
