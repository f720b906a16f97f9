import assert from "node:assert/strict";
import { describe, it } from "mocha";
import {
  type BatchFormingRules,
  PreferredSizeFormer,
} from "../../../../schedulers/dynamic-batch/batch-former.ts";
import { PreferredBatchSizes } from "../../../../schedulers/dynamic-batch/preferred-batch-size.ts";
import { FifoRequestQueue } from "../../../../schedulers/queue/fifo-request-queue.ts";
import type { RequestQueue } from "../../../../schedulers/queue/request-queue.ts";
import type { InferenceRequest } from "../../../../server/core/inference-request.ts";
import { makeRequest } from "../../../helpers/recorded-request.ts";

function queueOf(...batchSizes: number[]): FifoRequestQueue {
  const queue = new FifoRequestQueue();
  for (const batchSize of batchSizes) queue.push(makeRequest({ batchSize, queueStartUs: 100 }).request);
  return queue;
}

function rules(init: Partial<{ max: number; preferred: number[]; delayUs: number }> = {}): BatchFormingRules {
  const { max = 8, delayUs = 0 } = init;
  return {
    maxBatchSize: max,
    preferred: new PreferredBatchSizes(init.preferred ?? [max]),
    maxQueueDelayUs: delayUs,
    isCompatible: null,
  };
}

function formBatch(queue: RequestQueue, given: BatchFormingRules, nowUs: number): number {
  return new PreferredSizeFormer(given).form(queue, nowUs);
}

describe("PreferredSizeFormer", () => {
  it("waits when nothing is queued", () => {
    assert.equal(formBatch(queueOf(), rules(), 100), 0);
  });

  it("sends whatever is queued when there is no delay", () => {
    assert.equal(formBatch(queueOf(1, 1, 1), rules(), 100), 3);
  });

  it("never passes max_batch_size", () => {
    assert.equal(formBatch(queueOf(...new Array<number>(20).fill(1)), rules(), 100), 8);
    assert.equal(formBatch(queueOf(3, 3, 3), rules(), 100), 2);
  });

  it("sends a request that alone is larger than every preferred size", () => {
    assert.equal(formBatch(queueOf(6), rules({ preferred: [4], delayUs: 50 }), 100), 1);
  });

  it("prefers a preferred size over everything that is queued", () => {
    assert.equal(formBatch(queueOf(1, 1, 1, 1, 1, 1), rules({ preferred: [4] }), 100), 4);
  });

  it("takes the largest preferred size that is reached", () => {
    assert.equal(formBatch(queueOf(1, 1, 1, 1, 1), rules({ preferred: [2, 4], delayUs: 50 }), 100), 4);
  });

  it("waits while the delay is not over and no preferred size is reached", () => {
    assert.equal(formBatch(queueOf(1, 1, 1), rules({ preferred: [4], delayUs: 50 }), 149), 0);
  });

  it("sends a lone request when its delay is over", () => {
    assert.equal(formBatch(queueOf(1), rules({ delayUs: 50 }), 149), 0);
    assert.equal(formBatch(queueOf(1), rules({ delayUs: 50 }), 150), 1);
  });

  it("sends the whole batch, not a preferred size, when the delay is over", () => {
    assert.equal(formBatch(queueOf(1, 1, 1, 1, 1), rules({ preferred: [4], delayUs: 50 }), 150), 5);
  });

  it("flushes what is pending when the next request does not fit, whatever the delay", () => {
    assert.equal(formBatch(queueOf(3, 3, 3), rules({ preferred: [8], delayUs: 50 }), 100), 2);
  });

  it("stops before the largest preferred size would be passed without having hit one", () => {
    assert.equal(formBatch(queueOf(3, 3), rules({ preferred: [4], delayUs: 50 }), 100), 1);
  });

  it("ends the batch at an incompatible request and never skips one", () => {
    const queue = queueOf(1, 1, 1);
    const odd = queue.peek(1);
    const isCompatible = (_first: InferenceRequest, other: InferenceRequest): boolean => other !== odd;
    assert.equal(formBatch(queue, { ...rules({ delayUs: 50 }), isCompatible }, 100), 1);
  });

  it("counts an empty batch as one, so that endless ones do not fit", () => {
    assert.equal(formBatch(queueOf(...new Array<number>(10).fill(0)), rules({ max: 4 }), 100), 4);
  });

  it("sends one request at a time for a model that does not batch", () => {
    const alone = { ...rules({ max: 1 }), preferred: new PreferredBatchSizes([]) };
    assert.equal(formBatch(queueOf(1, 1), alone, 100), 1);
    assert.equal(formBatch(queueOf(5, 1), alone, 100), 1);
  });

  it("says when to ask again while it waits, and only then", () => {
    const former = new PreferredSizeFormer(rules({ delayUs: 50 }));
    assert.equal(former.form(queueOf(1), 120), 0);
    assert.equal(former.wakeAtUs, 150);
    assert.equal(former.form(queueOf(), 130), 0);
    assert.equal(former.wakeAtUs, Number.POSITIVE_INFINITY);
  });

  it("counts the delay from the oldest request, which need not be the first", () => {
    const queue = queueOf();
    queue.push(makeRequest({ queueStartUs: 100 }).request);
    queue.push(makeRequest({ queueStartUs: 60 }).request);
    const former = new PreferredSizeFormer(rules({ delayUs: 50 }));
    assert.equal(former.form(queue, 109), 0);
    assert.equal(former.wakeAtUs, 110);
    assert.equal(former.form(queue, 110), 2);
  });
});
