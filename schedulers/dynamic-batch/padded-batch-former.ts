import type { InferenceRequest } from "../../server/core/inference-request.ts";
import type { RequestQueue } from "../queue/request-queue.ts";
import type { BatchFormer, BatchFormingRules } from "./batch-former.ts";
import type { PaddingShare } from "./padding-share.ts";

/** So many full batches of requests are looked at: the cost of forming one must not grow with the queue. */
const lookAheadBatches = 8;

/**
 * Forms batches of requests of similar lengths, which are then padded to the longest one's.
 *
 * ```
 *   queue, lengths:    [8] 90 9 88 7 91 …
 *   this batch:         8     9    7          padding within the limit
 *   passed over:          90    88   91       keep their places: 90 is the first of the next batch
 * ```
 *
 * The rules are those of {@link PreferredSizeFormer} for the requests of one bucket, with two additions:
 *
 * - A request that would bring too much padding is passed over. The batch always has the head of the queue, so whoever is
 *   passed over has fewer before it each time and is the head itself at last: nobody starves, and nobody waits for more
 *   batches than it had requests before it when it came.
 * - When joined and passed-over requests together are as many as the largest preferred size, the head's bucket leaves
 *   without waiting longer: there is work enough, it is only not of one length.
 *
 * @remarks Only what is padded is passed over. A request that does not fit, or that differs in something else, ends the
 * batch as ever; and nobody is passed by requests of a lower priority, nor by ones that a timeout has delayed.
 */
export class PaddedBatchFormer implements BatchFormer {
  readonly #rules: BatchFormingRules;
  readonly #padding: PaddingShare;
  readonly #lookAhead: number;
  #picked: InferenceRequest[] = [];
  wakeAtUs = Number.POSITIVE_INFINITY;

  constructor(rules: BatchFormingRules, padding: PaddingShare) {
    this.#rules = rules;
    this.#padding = padding;
    this.#lookAhead = lookAheadBatches * rules.maxBatchSize;
  }

  takePicked(): readonly InferenceRequest[] {
    const picked = this.#picked;
    // It must not keep the memory of requests that were answered long ago.
    this.#picked = [];
    return picked;
  }

  form(queue: RequestQueue, nowUs: number): number {
    this.wakeAtUs = Number.POSITIVE_INFINITY;
    this.#picked = [];
    const first = queue.peek();
    if (first === undefined) return 0;
    const { preferred, maxQueueDelayUs } = this.#rules;
    const scan = this.#scan(queue, first);

    const hasDelay = maxQueueDelayUs !== 0;
    const isDelayOver = hasDelay && nowUs - scan.oldestUs >= maxQueueDelayUs;
    if (scan.bestCount !== 0 && !isDelayOver) return scan.bestCount;
    if (scan.mustSend || scan.rows >= preferred.max || isDelayOver || !hasDelay) return this.#picked.length;
    this.wakeAtUs = scan.oldestUs + maxQueueDelayUs;
    return 0;
  }

  /** Picks the requests that may go with the first one. */
  #scan(queue: RequestQueue, first: InferenceRequest): BucketScan {
    const { maxBatchSize, preferred, isCompatible } = this.#rules;
    let rows = sizeOf(first);
    const scan: BucketScan = {
      rows,
      bestCount: preferred.has(rows) ? 1 : 0,
      mustSend: false,
      oldestUs: first.queueStartUs,
    };
    this.#padding.begin(first);
    this.#picked.push(first);
    let passedOver: InferenceRequest | null = null;
    for (let position = 1; position < this.#lookAhead; position++) {
      const request = queue.peek(position);
      if (request === undefined) return scan;
      const size = sizeOf(request);
      if (isCompatible !== null && !isCompatible(first, request)) break;
      if (passedOver !== null && !queue.mayOvertake(request, passedOver)) break;
      if (this.#padding.fits(request)) {
        if (scan.bestCount === 0 && rows + size > preferred.max) scan.bestCount = this.#picked.length;
        if (rows + size > maxBatchSize) break;
        this.#padding.add(request);
        this.#picked.push(request);
        rows += size;
        if (preferred.has(rows)) scan.bestCount = this.#picked.length;
      } else {
        passedOver = request;
      }
      scan.rows += size;
      scan.oldestUs = Math.min(scan.oldestUs, request.queueStartUs);
      // Nothing more can join.
      if (rows >= maxBatchSize) break;
    }
    scan.mustSend = true;
    return scan;
  }
}

/** What stands in the queue for one batch. */
interface BucketScan {
  /** Of those that may go with the first one and of those passed over. */
  rows: number;
  /** How many of the picked ones leave when a preferred size is wanted; 0: none was reached. */
  bestCount: number;
  /** Waiting brings nothing more to this batch. */
  mustSend: boolean;
  /** When the oldest of all these came, monotonic µs. */
  oldestUs: number;
}

function sizeOf(request: InferenceRequest): number {
  return Math.max(1, request.batchSize);
}
