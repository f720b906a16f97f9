import assert from "node:assert/strict";
import type { Scheduler } from "../../schedulers/scheduler.ts";
import type { InferenceRequest } from "../../server/core/inference-request.ts";
import type { Status } from "../../server/core/status.ts";
import { makeScheduler } from "../../server/model/scheduler-factory.ts";
import type { DynamicBatching, ModelConfig } from "../../server/model-config/model-config.ts";
import { ManualClock } from "./manual-clock.ts";
import { ManualInstancePool } from "./manual-instance-pool.ts";
import { makeDynamicBatching, makeModelConfig } from "./model-config.ts";
import { makeRequest, RecordingSink, type RequestSketch } from "./recorded-request.ts";

/** What a test may say of a {@link SchedulerBench}. */
export interface SchedulerSketch {
  /** `max_batch_size`; 4 when absent. */
  readonly max?: number;
  /** Batches that can run at once; 1 when absent. */
  readonly capacity?: number;
  readonly batching?: Partial<DynamicBatching>;
  readonly config?: Partial<ModelConfig>;
}

/** A request that was sent, and what it has been told. */
export interface SentRequest {
  readonly request: InferenceRequest;
  readonly sink: RecordingSink;
}

/** The scheduler of a config with `dynamic_batching`, under virtual time and with instances that end when told. */
export class SchedulerBench {
  readonly clock = new ManualClock();
  readonly pool: ManualInstancePool;
  readonly scheduler: Scheduler;
  /** Ids in the order in which their final answers came. */
  readonly answered: string[] = [];

  constructor(sketch: SchedulerSketch = {}) {
    const max = sketch.max ?? 4;
    this.pool = new ManualInstancePool(sketch.capacity ?? 1);
    const config = makeModelConfig({
      maxBatchSize: max,
      dynamicBatching: makeDynamicBatching({ preferredBatchSize: [max], ...sketch.batching }),
      ...sketch.config,
    });
    this.scheduler = makeScheduler(config, this.pool, this.clock);
  }

  /** Sends a request that must be accepted. */
  send(id: string, sketch: RequestSketch = {}): SentRequest {
    const { sent, refusal } = this.offer(id, sketch);
    assert.equal(refusal, null);
    return sent;
  }

  /** Sends a request that may be refused. */
  offer(id: string, sketch: RequestSketch = {}): { readonly sent: SentRequest; readonly refusal: Status } {
    const { answered } = this;
    const sink = new (class extends RecordingSink {
      override onResponse(...args: Parameters<RecordingSink["onResponse"]>): void {
        super.onResponse(...args);
        if (args[1]) answered.push(id);
      }
      override onFailure(...args: Parameters<RecordingSink["onFailure"]>): void {
        super.onFailure(...args);
        if (args[1]) answered.push(id);
      }
    })();
    const { request } = makeRequest({ id, ...sketch, queueStartUs: this.clock.nowUs() });
    request.sink = sink;
    const refusal = this.scheduler.enqueue(request);
    return { sent: { request, sink }, refusal };
  }

  /** The next request keeps the only instance busy, and so what is sent after it waits. */
  keepBusy(): SentRequest {
    const sent = this.send("busy");
    this.clock.endTurn();
    return sent;
  }

  /** Ends the oldest batch, and the turn. */
  completeOldest(): void {
    this.pool.completeOldest();
    this.clock.endTurn();
  }

  /** Lets everything that waits or runs end. */
  drain(): void {
    for (let round = 0; this.pool.running.length > 0 || this.scheduler.queuedCount() > 0; round++) {
      assert.ok(round < 100_000, "the scheduler does not come to an end");
      this.clock.endTurn();
      if (this.pool.running.length > 0) this.completeOldest();
      else this.clock.advance(1_000);
    }
  }

  /** Ids of every batch so far, without those that only kept instances busy. */
  get batches(): string[][] {
    return this.pool.executedIds.filter((ids) => ids[0] !== "busy");
  }
}
