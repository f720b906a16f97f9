import type { InferenceRequest } from "../server/core/inference-request.ts";
import type { Status } from "../server/core/status.ts";

/**
 * Decides when queued requests run together. One per model version.
 *
 * A scheduler sees requests, a clock and an {@link InstancePool}; it knows nothing of transports or backends, so
 * every rule of it can be tested under virtual time with a pool that completes when told.
 */
export interface Scheduler {
  /**
   * Offers a validated request.
   *
   * @returns `null` when the scheduler took ownership: it will complete or fail the request exactly once.
   * Otherwise the refusal, and the caller still owns the request.
   */
  enqueue(request: InferenceRequest): Status;

  /** Requests waiting, not yet handed to an instance. */
  queuedCount(): number;

  /** Rejects new requests with UNAVAILABLE. Requests already accepted still run. */
  stop(): void;
}

/**
 * The instances of one model, as a scheduler sees them: places to run a batch.
 *
 * @remarks
 * Each instance runs one batch at a time. A pool may take one batch more for a busy instance, so that it waits
 * beside the instance, which then never idles for the length of a hop between threads.
 */
export interface InstancePool {
  /** Whether {@link execute} may be called now. */
  hasCapacity(): boolean;
  /**
   * Hands a batch to an instance. Takes ownership of the requests and of the array; each request is completed or
   * failed exactly once, later, never before this call has returned. Call only while {@link hasCapacity}.
   */
  execute(batch: InferenceRequest[]): void;
  /** Registers the callback that runs each time capacity has become free. One listener: the scheduler. */
  onCapacity(listener: () => void): void;
  /** Registers the callback that is told of each execution that ended, before its capacity is. One listener. */
  onExecuted(listener: (rows: number, executionUs: number) => void): void;
  /** Instances that take work. */
  readonly instanceCount: number;
  /**
   * Why nothing can run any more (every instance has died and none could be restarted), or `null` while the pool
   * works. The scheduler then fails what it holds.
   */
  brokenReason(): Status;
  /**
   * The instances that are alive, in the order in which they came to life. Another array when one has died or another
   * one has taken its place, of which {@link onCapacity} tells too.
   */
  lanes(): readonly InstanceLane[];
}

/** One instance of a pool, for schedulers whose requests have to go where earlier ones went. */
export interface InstanceLane {
  /** Batches handed over and not ended. */
  readonly batchesUnderWay: number;
  /** Whether {@link execute} may be called now. */
  hasCapacity(): boolean;
  /** As {@link InstancePool.execute}, on this instance. */
  execute(batch: InferenceRequest[]): void;
}
