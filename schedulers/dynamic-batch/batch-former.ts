import type { InferenceRequest } from "../../server/core/inference-request.ts";
import type { RequestQueue } from "../queue/request-queue.ts";
import type { BatchCompatibility } from "./batch-compatibility.ts";
import type { PreferredBatchSizes } from "./preferred-batch-size.ts";

/** Decides how many requests from the head of a queue leave together, and when. */
export interface BatchFormer {
  /** @returns The number of requests to send now, or 0 to wait for more. */
  form(queue: RequestQueue, nowUs: number): number;
  /**
   * Gives away the requests that the last {@link form} meant, as many as it said or more, in their order, when they are not
   * simply the first ones of the queue; `null` from a former that passes nobody over.
   */
  takePicked(): readonly InferenceRequest[] | null;
  /**
   * When to ask again although nothing has happened, monotonic µs; `Infinity`: no need to. Holds after {@link form} has
   * returned 0.
   */
  readonly wakeAtUs: number;
}

/** When and what a dynamic batcher sends. */
export interface BatchFormingRules {
  /** At least 1. */
  readonly maxBatchSize: number;
  readonly preferred: PreferredBatchSizes;
  /** How long the oldest request may wait for company; 0 means not at all. */
  readonly maxQueueDelayUs: number;
  readonly isCompatible: BatchCompatibility | null;
}

/**
 * Forms batches by preferred sizes and a longest delay. The order of the queue is never skipped: an incompatible
 * request, or one that no longer fits, ends the batch.
 *
 * ```
 * scan from the head, adding batch sizes:
 *   would pass the largest preferred size, and no preferred size was hit    → that point is the best so far
 *   would pass max_batch_size, or is incompatible with the first            → send what is there, stop
 *   sum is a preferred size                                                 → best so far
 * then: best, and the delay is not over (no delay never is)                → send up to best
 *       stopped, or sum ≥ largest preferred, or delay over, or no delay     → send everything scanned
 *       otherwise                                                           → wait
 * ```
 *
 * @see contract §6.4 and triton-inference-server/core src/dynamic_batch_scheduler.cc for the order of the rules
 */
export class PreferredSizeFormer implements BatchFormer {
  readonly #rules: BatchFormingRules;
  wakeAtUs = Number.POSITIVE_INFINITY;

  constructor(rules: BatchFormingRules) {
    this.#rules = rules;
  }

  takePicked(): null {
    return null;
  }

  form(queue: RequestQueue, nowUs: number): number {
    this.wakeAtUs = Number.POSITIVE_INFINITY;
    const first = queue.peek();
    if (first === undefined) return 0;
    const { maxBatchSize, preferred, maxQueueDelayUs, isCompatible } = this.#rules;

    let pendingSize = 0;
    let count = 0;
    let bestCount = 0;
    let mustSend = false;
    // With priorities the first one need not be the oldest.
    let oldestUs = first.queueStartUs;
    for (let request = queue.peek(); request !== undefined; request = queue.peek(count)) {
      // An empty batch (first dimension 0) still takes a place, else an endless number of them would fit.
      const size = Math.max(1, request.batchSize);
      if (count > 0) {
        if (bestCount === 0 && pendingSize + size > preferred.max) bestCount = count;
        if (pendingSize + size > maxBatchSize || (isCompatible !== null && !isCompatible(first, request))) {
          mustSend = true;
          break;
        }
      }
      pendingSize += size;
      count++;
      oldestUs = Math.min(oldestUs, request.queueStartUs);
      if (preferred.has(pendingSize)) bestCount = count;
    }

    const hasDelay = maxQueueDelayUs !== 0;
    const isDelayOver = hasDelay && nowUs - oldestUs >= maxQueueDelayUs;
    if (bestCount !== 0 && !isDelayOver) return bestCount;
    if (mustSend || pendingSize >= preferred.max || isDelayOver || !hasDelay) return count;
    this.wakeAtUs = oldestUs + maxQueueDelayUs;
    return 0;
  }
}
