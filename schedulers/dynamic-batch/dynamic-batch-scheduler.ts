import type { Clock, ClockTimer } from "../../server/core/clock.ts";
import { FixedQueue } from "../../server/core/fixed-queue.ts";
import {
  type InferenceRequest,
  type RequestHolder,
  requestState,
} from "../../server/core/inference-request.ts";
import { failure, type Status } from "../../server/core/status.ts";
import type { InstancePool, Scheduler } from "../scheduler.ts";
import { type BatchFormingRules, formBatch } from "./batch-former.ts";

const stopping = failure("UNAVAILABLE", "Model is being unloaded and takes no more requests");
const cancelled = failure("CANCELLED", "Request cancelled while it was queued");

/**
 * Joins requests of different clients into batches: one queue feeds all instances of a model.
 *
 * @remarks
 * Batches are formed in one pass per turn of the event loop, however many requests arrived in it, and again
 * whenever an instance has become free. There is one timer, armed for the moment when the oldest request's queue
 * delay ends; nothing is allocated per request.
 *
 * With {@link BatchFormingRules.maxBatchSize} 1 this is the scheduler of models without `dynamic_batching` too:
 * each request then runs alone, first in first out.
 */
export class DynamicBatchScheduler implements Scheduler, RequestHolder {
  readonly #rules: BatchFormingRules;
  readonly #pool: InstancePool;
  readonly #clock: Clock;
  readonly #queue = new FixedQueue<InferenceRequest>(64);
  #isPassDue = false;
  #isStopped = false;
  #timer: ClockTimer | null = null;
  /** What the timer is armed for; 0 when there is none. */
  #timerDeadlineUs = 0;

  constructor(rules: BatchFormingRules, pool: InstancePool, clock: Clock) {
    this.#rules = rules;
    this.#pool = pool;
    this.#clock = clock;
    pool.onCapacity(this.#requestPass);
  }

  enqueue(request: InferenceRequest): Status {
    if (this.#isStopped) return stopping;
    const broken = this.#pool.brokenReason();
    if (broken !== null) return broken;
    request.state = requestState.queued;
    request.holder = this;
    this.#queue.push(request);
    this.#requestPass();
    return null;
  }

  queuedCount(): number {
    return this.#queue.length;
  }

  stop(): void {
    this.#isStopped = true;
  }

  onCancelled(request: InferenceRequest): void {
    if (!this.#queue.remove(request))
      throw new Error("A cancelled request was not in its queue. This is a bug.");
    request.fail(cancelled);
    // What stood behind it may now fit, or its delay may have been the one that the timer waits for.
    this.#requestPass();
  }

  readonly #requestPass = (): void => {
    if (this.#isPassDue || this.#queue.length === 0) return;
    this.#isPassDue = true;
    this.#clock.endOfTurn(this.#runPass);
  };

  readonly #runPass = (): void => {
    this.#isPassDue = false;
    const broken = this.#pool.brokenReason();
    if (broken !== null) {
      for (let request = this.#queue.shift(); request !== undefined; request = this.#queue.shift()) {
        request.fail(broken);
      }
      return;
    }
    while (this.#pool.hasCapacity()) {
      const count = formBatch(this.#queue, this.#rules, this.#clock.nowUs());
      if (count === 0) break;
      this.#pool.execute(this.#takeBatch(count));
    }
    this.#armTimer();
  };

  #takeBatch(count: number): InferenceRequest[] {
    const batch: InferenceRequest[] = [];
    for (let i = 0; i < count; i++) {
      const request = this.#queue.shift();
      if (request === undefined) throw new Error("A batch was formed beyond the queue's end. This is a bug.");
      request.state = requestState.executing;
      request.holder = null;
      batch.push(request);
    }
    return batch;
  }

  /** Only a batch that could leave now but waits for company needs the timer. */
  #armTimer(): void {
    const oldest = this.#queue.peek();
    const isWaitingForCompany = oldest !== undefined && this.#pool.hasCapacity();
    const deadlineUs = isWaitingForCompany ? oldest.queueStartUs + this.#rules.maxQueueDelayUs : 0;
    if (deadlineUs === this.#timerDeadlineUs) return;
    this.#timer?.cancel();
    this.#timer = null;
    this.#timerDeadlineUs = deadlineUs;
    if (deadlineUs !== 0) this.#timer = this.#clock.at(deadlineUs, this.#onTimer);
  }

  readonly #onTimer = (): void => {
    this.#timer = null;
    this.#timerDeadlineUs = 0;
    if (!this.#isPassDue) this.#runPass();
  };
}
