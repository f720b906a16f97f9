import assert from "node:assert/strict";
import { describe, it } from "mocha";
import type { Scheduler } from "../../../../schedulers/scheduler.ts";
import type { ModelConfig } from "../../../../server/model-config/model-config.ts";
import { formAheadOf, makeScheduler } from "../../../../server/model/scheduler-factory.ts";
import { ManualClock } from "../../../helpers/manual-clock.ts";
import { ManualInstancePool } from "../../../helpers/manual-instance-pool.ts";
import {
  makeDynamicBatching,
  makeInput,
  makeModelConfig,
  makeQueuePolicy,
} from "../../../helpers/model-config.ts";
import { fp32Tensor, makeRequest, type RequestSketch } from "../../../helpers/recorded-request.ts";

class Bench {
  readonly clock = new ManualClock();
  readonly pool = new ManualInstancePool(10);
  readonly #scheduler: Scheduler;

  constructor(parts: Partial<ModelConfig>) {
    this.#scheduler = makeScheduler(makeModelConfig(parts), this.pool, this.clock);
  }

  send(...sketches: RequestSketch[]): void {
    for (const sketch of sketches) {
      assert.equal(
        this.#scheduler.enqueue(makeRequest({ ...sketch, queueStartUs: this.clock.nowUs() }).request),
        null,
      );
    }
    this.clock.endTurn();
  }

  get batchSizes(): number[] {
    return this.pool.executed.map((batch) => batch.length);
  }
}

const batching = makeDynamicBatching();

describe("formAheadOf", () => {
  const limited = makeDynamicBatching({ defaultQueuePolicy: makeQueuePolicy({ maxQueueSize: 1 }) });

  it("lets batches wait beside an instance only while that leaves no policy without effect", () => {
    assert.equal(formAheadOf(makeModelConfig()), "whileShort");
    assert.equal(formAheadOf(makeModelConfig({ dynamicBatching: makeDynamicBatching() })), "whileShort");
    assert.equal(formAheadOf(makeModelConfig({ dynamicBatching: limited })), "never");
    const priorities = makeDynamicBatching({ priorityLevels: 1, defaultPriorityLevel: 1 });
    assert.equal(formAheadOf(makeModelConfig({ dynamicBatching: priorities })), "never");
    const timeout = new Map([[1, makeQueuePolicy({ defaultTimeoutUs: 1 })]]);
    const policies = makeDynamicBatching({ ...priorities, priorityQueuePolicy: timeout });
    assert.equal(formAheadOf(makeModelConfig({ dynamicBatching: policies })), "never");
  });

  it("always does with eager_batching", () => {
    const optimization = { graphLevel: 0, eagerBatching: true };
    assert.equal(formAheadOf(makeModelConfig({ optimization })), "always");
    assert.equal(formAheadOf(makeModelConfig({ optimization, dynamicBatching: limited })), "always");
  });
});

describe("makeScheduler", () => {
  it("runs each request alone without dynamic batching, however large it is", () => {
    const bench = new Bench({ dynamicBatching: null });
    bench.send({ batchSize: 1 }, { batchSize: 8 }, { batchSize: 0 });
    assert.deepEqual(bench.batchSizes, [1, 1, 1]);
  });

  it("runs each request alone for a model that does not batch", () => {
    const bench = new Bench({
      maxBatchSize: 0,
      dynamicBatching: makeDynamicBatching({ preferredBatchSize: [], maxQueueDelayUs: 0 }),
    });
    bench.send({}, {});
    assert.deepEqual(bench.batchSizes, [1, 1]);
  });

  it("joins requests up to max_batch_size with dynamic batching", () => {
    const bench = new Bench({
      maxBatchSize: 4,
      dynamicBatching: makeDynamicBatching({ preferredBatchSize: [4], maxQueueDelayUs: 0 }),
    });
    bench.send({}, {}, {}, {}, {});
    assert.deepEqual(bench.batchSizes, [4, 1]);
  });

  it("passes preferred sizes and the queue delay on", () => {
    const bench = new Bench({
      dynamicBatching: makeDynamicBatching({ preferredBatchSize: [2], maxQueueDelayUs: 300 }),
    });
    bench.send({}, {}, {});
    assert.deepEqual(bench.batchSizes, [2]);
    bench.clock.advance(300);
    assert.deepEqual(bench.batchSizes, [2, 1]);
  });

  it("keeps requests apart whose variable dimensions differ", () => {
    const bench = new Bench({ input: [makeInput("x", { dims: [-1] })], dynamicBatching: batching });
    bench.send(
      { inputs: [fp32Tensor("x", [1, 2], [1, 2])] },
      { inputs: [fp32Tensor("x", [1, 3], [1, 2, 3])] },
    );
    assert.deepEqual(bench.batchSizes, [1, 1]);
  });
});
