import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { type BatchFormingRules, formBatch } from "../../../../schedulers/dynamic-batch/batch-former.ts";
import { PreferredBatchSizes } from "../../../../schedulers/dynamic-batch/preferred-batch-size.ts";
import { FixedQueue } from "../../../../server/core/fixed-queue.ts";
import type { InferenceRequest } from "../../../../server/core/inference-request.ts";
import { makeRequest } from "../../../helpers/recorded-request.ts";

function queueOf(...batchSizes: number[]): FixedQueue<InferenceRequest> {
  const queue = new FixedQueue<InferenceRequest>();
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

describe("formBatch", () => {
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
});
