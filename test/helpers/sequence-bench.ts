import assert from "node:assert/strict";
import type { Scheduler } from "../../schedulers/scheduler.ts";
import type { CorrelationId, InferenceRequest } from "../../server/core/inference-request.ts";
import type { Failure, Status } from "../../server/core/status.ts";
import type { ModelConfig, SequenceBatching } from "../../server/model-config/model-config.ts";
import { makeScheduler } from "../../server/model/scheduler-factory.ts";
import { ManualClock } from "./manual-clock.ts";
import { type ManualLane, ManualLanePool } from "./manual-lane-pool.ts";
import { makeModelConfig, makeSequenceBatching } from "./model-config.ts";
import { makeRequest, type RecordingSink, type RequestSketch } from "./recorded-request.ts";

/** What a test may say of a {@link SequenceBench}. */
export interface SequenceSketch {
  /** `max_batch_size`; 2 when absent. */
  readonly max?: number;
  /** Instances; 1 when absent. */
  readonly lanes?: number;
  /** Batches that an instance takes at once; 1 when absent. */
  readonly capacity?: number;
  readonly batching?: Partial<SequenceBatching>;
  readonly config?: Partial<ModelConfig>;
}

/** A request that was sent, and what it has been told. */
export interface SentStep {
  readonly request: InferenceRequest;
  readonly sink: RecordingSink;
}

/** S: START, E: END. */
export type SequenceFlags = "" | "S" | "E" | "SE";

/** The scheduler of a config with `sequence_batching`, under virtual time and on instances that end when told. */
export class SequenceBench {
  readonly clock = new ManualClock();
  readonly pool: ManualLanePool;
  readonly scheduler: Scheduler;
  /** Lines of the log. */
  readonly warnings: string[] = [];

  constructor(sketch: SequenceSketch = {}) {
    this.pool = new ManualLanePool(sketch.lanes ?? 1, sketch.capacity ?? 1);
    const maxBatchSize = sketch.max ?? 2;
    const batching = makeSequenceBatching(sketch.batching);
    const { strategy } = batching;
    const isUnsaid = strategy.kind === "oldest" && strategy.preferredBatchSize.length === 0;
    const config = makeModelConfig({
      maxBatchSize,
      sequenceBatching: isUnsaid
        ? // As normalising a config does.
          {
            ...batching,
            strategy: { ...strategy, preferredBatchSize: maxBatchSize > 0 ? [maxBatchSize] : [] },
          }
        : batching,
      ...sketch.config,
    });
    this.scheduler = makeScheduler(config, this.pool, this.clock, {
      warn: (message) => this.warnings.push(message),
    });
  }

  /** The instance with this number, among those that are alive. */
  lane(index = 0): ManualLane {
    const lane = this.pool.lanes()[index];
    assert.ok(lane !== undefined);
    return lane;
  }

  /** What the instance has executed so far. */
  batches(index = 0): string[][] {
    return this.lane(index).batches;
  }

  /** Sends a request that must be accepted. The id says what it is: `a2` for the second one of a. */
  send(
    id: string,
    correlationId: CorrelationId,
    flags: SequenceFlags = "",
    sketch: RequestSketch = {},
  ): SentStep {
    const { step, refusal } = this.offer(id, correlationId, flags, sketch);
    assert.equal(refusal, null);
    return step;
  }

  /** Sends a request that may be refused. */
  offer(
    id: string,
    correlationId: CorrelationId,
    flags: SequenceFlags = "",
    sketch: RequestSketch = {},
  ): { readonly step: SentStep; readonly refusal: Status } {
    const step = makeRequest({
      id,
      correlationId,
      isSequenceStart: flags.includes("S"),
      isSequenceEnd: flags.includes("E"),
      queueStartUs: this.clock.nowUs(),
      ...sketch,
    });
    return { step, refusal: this.scheduler.enqueue(step.request) };
  }

  /** As {@link send}, in a turn of its own. */
  sendNow(
    id: string,
    correlationId: CorrelationId,
    flags: SequenceFlags = "",
    sketch: RequestSketch = {},
  ): SentStep {
    const step = this.send(id, correlationId, flags, sketch);
    this.clock.endTurn();
    return step;
  }

  /** Ends the oldest batch of an instance, and the turn. */
  complete(index = 0, failed: Status = null): void {
    this.pool.complete(this.lane(index), failed);
    this.clock.endTurn();
  }

  /** Lets everything that waits or runs end. */
  drain(): void {
    for (let round = 0; ; round++) {
      assert.ok(round < 100_000, "the scheduler does not come to an end");
      this.clock.endTurn();
      const busy = this.pool.lanes().filter((lane) => lane.batchesUnderWay > 0);
      for (const lane of busy) this.pool.complete(lane);
      if (busy.length > 0) continue;
      if (this.scheduler.queuedCount() === 0) return;
      this.clock.advance(1_000);
    }
  }
}

/** The only failure of a request that has been answered. */
export function failureOf({ sink }: SentStep): Failure {
  assert.equal(sink.answerCount, 1);
  const [only] = sink.failures;
  assert.ok(only !== undefined, "the request was answered with a response");
  return only;
}
