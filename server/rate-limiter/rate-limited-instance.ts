import type { InstanceListener } from "../../backends/worker/hosted-instance.ts";
import type { BatchTimes } from "../core/batch-times.ts";
import { FixedQueue } from "../core/fixed-queue.ts";
import type { InferenceRequest } from "../core/inference-request.ts";
import type { ResponseOutcome, ResponseTimes } from "../core/response-times.ts";
import { type Failure, failure } from "../core/status.ts";
import type { ModelInstancePool, PooledInstance } from "../model/model-instance-pool.ts";
import type { RateLimiterSeat } from "./rate-limiter.ts";

/** What hears of the instance in its place: the pool. */
type InstancePoolListener = Pick<ModelInstancePool, "onBatchEnd" | "onResponse" | "onCrash">;

const givenUp = failure("UNAVAILABLE", "Model was ended before the request could run");

/**
 * Stands before an instance and lets a batch in when the instance holds its resources; gives them back when the batch
 * has ended, however that came.
 *
 * @remarks A batch that waits here has left its queue: its requests count as executing, and cannot be cancelled.
 */
export class RateLimitedInstance implements PooledInstance, InstanceListener {
  readonly name: string;
  readonly maxBatchesUnderWay: number;
  readonly #inner: PooledInstance;
  readonly #seat: RateLimiterSeat;
  readonly #pool: InstancePoolListener;
  /** The first one is the next to run. */
  readonly #waiting = new FixedQueue<InferenceRequest[]>(2);

  /** @param pool - Hears of the instance in its place. */
  constructor(inner: PooledInstance, seat: RateLimiterSeat, pool: InstancePoolListener) {
    this.name = inner.name;
    this.maxBatchesUnderWay = inner.maxBatchesUnderWay;
    this.#inner = inner;
    this.#seat = seat;
    this.#pool = pool;
  }

  /** Those that wait for resources are among them. */
  get batchesUnderWay(): number {
    return this.#waiting.length + this.#inner.batchesUnderWay;
  }

  /** @see WorkerModelInstance.execute */
  execute(batch: InferenceRequest[]): void {
    this.#waiting.push(batch);
    this.#stageNext();
  }

  onBatchEnd(_instance: unknown, rows: number, times: BatchTimes, hasSucceeded: boolean): void {
    // First, so that the next batch, if there is one, asks in the same turn in which the resources come back.
    this.#pool.onBatchEnd(this, rows, times, hasSucceeded);
    this.#seat.release();
    this.#stageNext();
  }

  onResponse(index: number, outcome: ResponseOutcome, times: ResponseTimes): void {
    this.#pool.onResponse(index, outcome, times);
  }

  onCrash(_instance: unknown, reason: string): void {
    this.#seat.unstage();
    this.#seat.release();
    this.#failWaiting(failure("INTERNAL", reason));
    this.#pool.onCrash(this, reason);
  }

  /** @see WorkerModelInstance.finalize */
  async finalize(): Promise<void> {
    try {
      await this.#inner.finalize();
    } finally {
      this.#seat.release();
    }
  }

  /** @see WorkerModelInstance.terminate */
  async terminate(): Promise<void> {
    this.#seat.unstage();
    this.#failWaiting(givenUp);
    // It may still be computing: what it needs for that is free when it has ended.
    await this.#inner.terminate();
    this.#seat.release();
  }

  #stageNext(): void {
    if (this.#waiting.length === 0 || this.#seat.isHolding || this.#seat.onGranted !== null) return;
    this.#seat.stage(this.#run);
  }

  readonly #run = (): void => {
    const batch = this.#waiting.shift();
    if (batch === undefined) throw new Error("Resources were granted for nothing. This is a bug.");
    this.#inner.execute(batch);
    if (this.#inner.batchesUnderWay > 0) return;
    // The batch has failed before it began, of which no end is told.
    this.#seat.release();
    this.#stageNext();
  };

  #failWaiting(cause: Failure): void {
    for (let batch = this.#waiting.shift(); batch !== undefined; batch = this.#waiting.shift()) {
      for (const request of batch) request.fail(cause);
    }
  }
}
