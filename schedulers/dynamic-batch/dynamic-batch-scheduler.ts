import type { Clock, ClockTimer } from "../../server/core/clock.ts";
import {
  type InferenceRequest,
  type RequestHolder,
  requestState,
} from "../../server/core/inference-request.ts";
import { failure, rejection, type Status } from "../../server/core/status.ts";
import type { RequestQueue } from "../queue/request-queue.ts";
import type { InstancePool, Scheduler } from "../scheduler.ts";
import type { BatchFormer } from "./batch-former.ts";
import type { Admission } from "./latency-target.ts";
import type { ResponseOrder } from "./response-order.ts";

const stopping = failure("UNAVAILABLE", "Model is being unloaded and takes no more requests");
const cancelled = failure("CANCELLED", "Request cancelled while it was queued");
const expired = rejection("Request timeout expired");

/** What a {@link DynamicBatchScheduler} is put together from. */
export interface DynamicBatchParts {
  readonly queue: RequestQueue;
  readonly former: BatchFormer;
  /** Turns away requests that would come too late; `null`: there is no such thing. */
  readonly admission: Admission | null;
  /** Makes responses leave in the order of their requests; `null`: they leave as they come. */
  readonly responseOrder: ResponseOrder | null;
  readonly pool: InstancePool;
  readonly clock: Clock;
}

/**
 * Joins requests of different clients into batches: one queue feeds all instances of a model.
 *
 * @remarks
 * Batches are formed in one pass per turn of the event loop, however many requests arrived in it, and again
 * whenever an instance has become free. There is one timer, armed for the moment when the former wants to be asked
 * again or the next request's timeout is over, whichever is first; the latter also while every instance is busy.
 *
 * With a queue and a former without rules this is the scheduler of models without `dynamic_batching` too: each request
 * then runs alone, first in first out.
 */
export class DynamicBatchScheduler implements Scheduler, RequestHolder {
  readonly #queue: RequestQueue;
  readonly #former: BatchFormer;
  readonly #admission: Admission | null;
  readonly #responseOrder: ResponseOrder | null;
  readonly #pool: InstancePool;
  readonly #clock: Clock;
  #isPassDue = false;
  /** After the last pass an instance was free, and requests waited all the same. */
  #isWaitingForCompany = false;
  #isStopped = false;
  #timer: ClockTimer | null = null;
  /** What the timer is armed for; `Infinity` when there is none. */
  #timerDeadlineUs = Number.POSITIVE_INFINITY;

  constructor(parts: DynamicBatchParts) {
    this.#queue = parts.queue;
    this.#former = parts.former;
    this.#admission = parts.admission;
    this.#responseOrder = parts.responseOrder;
    this.#pool = parts.pool;
    this.#clock = parts.clock;
    this.#pool.onCapacity(this.#requestPass);
  }

  enqueue(request: InferenceRequest): Status {
    if (this.#isStopped) return stopping;
    const refusal = this.#pool.brokenReason() ?? this.#admit(request) ?? this.#queue.push(request);
    if (refusal !== null) return refusal;
    request.state = requestState.queued;
    request.holder = this;
    // One that comes for another run has its place.
    if (request.rescheduleCount === 0) this.#responseOrder?.add(request);
    this.#requestPass();
    return null;
  }

  #admit(request: InferenceRequest): Status {
    if (this.#admission === null) return null;
    return this.#admission.admit(request, this.#queue, this.#clock.nowUs());
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
    // What stood behind it may now fit, or its time may have been the one that the timer waits for.
    if (this.#queue.length === 0) this.#armTimer();
    else this.#requestPass();
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
      this.#armTimer();
      return;
    }
    const nowUs = this.#clock.nowUs();
    this.#rejectExpired(nowUs);
    // What could have left before and only waited for company is not too late by its own fault: it leaves now.
    if (this.#admission !== null && !this.#isWaitingForCompany) this.#giveUpLate(this.#admission, nowUs);
    while (this.#pool.hasCapacity()) {
      const count = this.#former.form(this.#queue, nowUs);
      if (count === 0) break;
      const batch = this.#takeBatch(count);
      if (this.#admission !== null) this.#admission.onDispatch(batch, nowUs);
      this.#pool.execute(batch);
    }
    this.#isWaitingForCompany = this.#queue.length > 0 && this.#pool.hasCapacity();
    this.#armTimer();
  };

  #takeBatch(count: number): InferenceRequest[] {
    const batch: InferenceRequest[] = [];
    const picked = this.#former.takePicked();
    for (let i = 0; i < count; i++) {
      const request = picked === null ? this.#queue.shift() : this.#takePicked(picked[i]);
      if (request === undefined) throw new Error("A batch was formed beyond the queue's end. This is a bug.");
      request.state = requestState.executing;
      request.holder = null;
      batch.push(request);
    }
    return batch;
  }

  #takePicked(request: InferenceRequest | undefined): InferenceRequest | undefined {
    return request !== undefined && this.#queue.remove(request) ? request : undefined;
  }

  #rejectExpired(nowUs: number): void {
    if (this.#queue.nextExpiryUs() > nowUs) return;
    for (
      let request = this.#queue.takeExpired(nowUs);
      request !== undefined;
      request = this.#queue.takeExpired(nowUs)
    ) {
      request.fail(expired);
    }
  }

  /** Nobody is served well by an answer that comes too late: its time is for those that still can be. */
  #giveUpLate(admission: Admission, nowUs: number): void {
    for (let next = this.#queue.peek(); next !== undefined; next = this.#queue.peek()) {
      const reason = admission.giveUp(this.#queue, nowUs);
      if (reason === null) return;
      this.#queue.remove(next);
      next.fail(reason);
    }
  }

  /**
   * Only a batch that could leave now but waits for company needs the timer, and requests that may wait no longer. A
   * timer that would come too early is left alone: it costs less than a new one for each request.
   */
  #armTimer(): void {
    const deadlineUs = this.#nextDeadlineUs();
    if (deadlineUs !== Number.POSITIVE_INFINITY && deadlineUs >= this.#timerDeadlineUs) return;
    this.#timer?.cancel();
    this.#timer = null;
    this.#timerDeadlineUs = deadlineUs;
    if (deadlineUs !== Number.POSITIVE_INFINITY) this.#timer = this.#clock.at(deadlineUs, this.#onTimer);
  }

  #nextDeadlineUs(): number {
    if (this.#queue.length === 0) return Number.POSITIVE_INFINITY;
    const formUs = this.#pool.hasCapacity() ? this.#former.wakeAtUs : Number.POSITIVE_INFINITY;
    const expiryUs = Math.min(formUs, this.#queue.nextExpiryUs());
    if (this.#admission === null || this.#isWaitingForCompany) return expiryUs;
    // One µs later it is given up.
    return Math.min(expiryUs, this.#admission.giveUpAtUs(this.#queue, this.#clock.nowUs()) + 1);
  }

  readonly #onTimer = (): void => {
    this.#timer = null;
    this.#timerDeadlineUs = Number.POSITIVE_INFINITY;
    if (!this.#isPassDue) this.#runPass();
  };
}
