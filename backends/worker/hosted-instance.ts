import type { BatchTimes } from "../../server/core/batch-times.ts";
import type { InferenceRequest } from "../../server/core/inference-request.ts";
import type { ResponseOutcome, ResponseTimes } from "../../server/core/response-times.ts";
import type { ModelConfig } from "../../server/model-config/model-config.ts";
import type { BatchSpec, ModelSignature } from "../backend.ts";

/**
 * The main thread's end of a model instance, whichever way its work travels.
 *
 * Life: made, which starts the worker → {@link bind} → {@link execute} … → {@link finalize}.
 */
export interface HostedInstance {
  readonly name: string;
  /** Batches handed over whose execution has not ended, 0 to {@link maxBatchesUnderWay}. */
  readonly batchesUnderWay: number;
  /** How many batches it takes: one that runs, and those that wait beside it. */
  readonly maxBatchesUnderWay: number;
  /** What the model file declares, when it has been loaded. Rejects with a StatusError when it could not be. */
  signature(): Promise<ModelSignature | null>;
  /** @see RequestModelInstance.completion. Settles with {@link signature}. */
  completion(): Promise<object | null>;
  /**
   * Prepares for batches of this kind. When the worker refuses or dies, it rejects with a StatusError, and the listener
   * hears nothing.
   */
  bind(spec: BatchSpec, listener: InstanceListener, config: ModelConfig): Promise<void>;
  /** Runs a batch. Takes ownership of the requests; each is answered exactly once, never before this returns. */
  execute(batch: InferenceRequest[]): void;
  /**
   * Lets the requests that it holds end, releases the model and ends the worker.
   *
   * @throws StatusError INTERNAL when the instance could not release its model; its worker has ended all the same.
   */
  finalize(): Promise<void>;
  /** Fails what it holds before it returns; resolves when the worker has ended. */
  terminate(): Promise<void>;
}

/** Hears what becomes of batches and of the worker. {@link ModelInstancePool} implements it. */
export interface InstanceListener {
  /**
   * An execution ended; the instance can take another batch. Called before the requests that it answered are told.
   *
   * @param hasSucceeded - Its requests get responses; otherwise all of them fail.
   */
  onBatchEnd(instance: HostedInstance, rows: number, times: BatchTimes, hasSucceeded: boolean): void;
  /**
   * A request of a decoupled model got an answer.
   *
   * @param index - Position among the request's answers, from 0.
   */
  onResponse(index: number, outcome: ResponseOutcome, times: ResponseTimes): void;
  /** The worker ended unasked. All its requests have been failed. */
  onCrash(instance: HostedInstance, reason: string): void;
}
