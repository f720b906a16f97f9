import { FixedQueue } from "../../server/core/fixed-queue.ts";
import {
  type CorrelationId,
  type InferenceRequest,
  type RequestHolder,
  type RequestObserver,
  type RequestRescheduler,
  requestState,
} from "../../server/core/inference-request.ts";
import type { Failure } from "../../server/core/status.ts";
import { RequestDurations } from "../request-durations.ts";
import type { SequenceSlot } from "./sequence-lane.ts";

/** Hears what happens to a sequence. The scheduler implements it. */
export interface SequenceListener {
  /** The request that was under way has been answered. */
  onRequestEnded(sequence: Sequence): void;
  /**
   * A client has given up a request before it was executed.
   *
   * @param request - It still waits; `null`: it was under way, and has failed already.
   */
  onRequestCancelled(sequence: Sequence, request: InferenceRequest | null): void;
  /** The model wants another run of the request that was under way. Takes it with {@link Sequence.putBack}, or fails it. */
  onRequestRescheduled(sequence: Sequence, request: InferenceRequest): void;
  /** The request under way is not being executed any more, and not answered either. */
  onRequestHeld(sequence: Sequence): void;
}

/** Until when a request may wait in the backlog; Infinity: for ever. */
export function deadlineOf(request: InferenceRequest): number {
  return request.timeoutUs === 0 ? Number.POSITIVE_INFINITY : request.queueStartUs + request.timeoutUs;
}

/**
 * The requests of one correlation id, from its START on, while they wait or are under way.
 *
 * @remarks
 * Answers come back to it as {@link RequestObserver}, which it hands on to the observer that the requests had. A START
 * for an id that is still open does not make a new one: the requests queue up behind the old ones, in the same slot.
 * What lies between two STARTs is a *run*.
 */
export class Sequence implements RequestHolder, RequestObserver, RequestRescheduler {
  readonly id: CorrelationId;
  /** Its requests may be executed again. */
  readonly #isIterative: boolean;
  readonly #listener: SequenceListener;
  /** That of the model, the same for all requests. */
  #observer: RequestObserver | null = null;
  #waiting = new FixedQueue<InferenceRequest>(2);
  /** Handed on, to be executed; at most one at a time. */
  #underWay: InferenceRequest | null = null;
  /** The runs so far of a request that was put back; `null`: the request under way is in its first one. */
  #earlierRuns: RequestDurations | null = null;
  /** When that request came. */
  #arrivalUs = 0;
  /** `null`: in the backlog, or gone. */
  slot: SequenceSlot | null = null;
  /** Takes no more requests: the id is free for another sequence. */
  isClosed = false;
  /** In the backlog, when the first of its requests may wait no longer. */
  deadlineUs = Number.POSITIVE_INFINITY;
  /** Since when it has had nothing to do. Only counts while that is so. */
  idleSinceUs = 0;

  constructor(id: CorrelationId, listener: SequenceListener, isIterative: boolean) {
    this.id = id;
    this.#listener = listener;
    this.#isIterative = isIterative;
  }

  get waitingCount(): number {
    return this.#waiting.length;
  }

  /** Whether a request waits and none is under way. */
  get isReady(): boolean {
    return this.#underWay === null && this.#waiting.length > 0;
  }

  /** Whether no request waits or is under way. */
  get isEmpty(): boolean {
    return this.#underWay === null && this.#waiting.length === 0;
  }

  /** The request that is next, left where it is. */
  get next(): InferenceRequest | undefined {
    return this.#waiting.peek();
  }

  /** Takes ownership of a request. */
  add(request: InferenceRequest): void {
    request.state = requestState.queued;
    request.holder = this;
    this.#observer = request.observer;
    request.observer = this;
    if (this.#isIterative) request.rescheduler = this;
    this.#waiting.push(request);
  }

  /** Takes the request under way back for another run, before all that wait. */
  putBack(request: InferenceRequest, nowUs: number): void {
    if (request !== this.#underWay)
      throw new Error("A request was put back that was not under way. This is a bug.");
    this.#underWay = null;
    if (this.#earlierRuns === null) {
      this.#earlierRuns = new RequestDurations();
      this.#arrivalUs = request.queueStartUs;
    }
    this.#earlierRuns.add(request);
    request.isSequenceStart = false;
    request.rescheduleCount++;
    request.queueStartUs = nowUs;
    request.state = requestState.queued;
    request.holder = this;
    const others = this.takeAll();
    this.#waiting.push(request);
    for (const other of others) this.#waiting.push(other);
    this.#observer?.onRequeued(request);
  }

  /** Takes the next request out, to be executed. Call only while {@link isReady} and in a slot. */
  take(): InferenceRequest {
    const request = this.#waiting.shift();
    if (request === undefined || this.slot === null || this.#underWay !== null)
      throw new Error("A request of a sequence was taken out of turn. This is a bug.");
    request.sequenceSlot = this.slot.index;
    request.holder = null;
    if (request.rescheduleCount === 0) this.#earlierRuns = null;
    this.#underWay = request;
    return request;
  }

  /** Takes all waiting requests out. The caller owns them. */
  takeAll(): InferenceRequest[] {
    const all: InferenceRequest[] = [];
    for (let request = this.#waiting.shift(); request !== undefined; request = this.#waiting.shift())
      all.push(request);
    return all;
  }

  /**
   * Takes the waiting requests of one run out; the caller owns them. When it was the last run, the sequence is closed.
   *
   * @param member - Any of them; `null` means the run that the request under way belongs to.
   */
  takeRun(member: InferenceRequest | null): InferenceRequest[] {
    const all = this.takeAll();
    let start = member === null ? 0 : all.indexOf(member);
    if (start < 0) throw new Error("A cancelled request was not in its sequence. This is a bug.");
    while (start > 0 && all[start]?.isSequenceStart !== true) start--;
    // Of the run that is under way, the first request is no longer here.
    let end = member === null ? start : start + 1;
    while (end < all.length && all[end]?.isSequenceStart !== true) end++;
    if (end === all.length) this.isClosed = true;
    const run = all.splice(start, end - start);
    for (const request of all) this.#waiting.push(request);
    this.deadlineUs = Math.min(Number.POSITIVE_INFINITY, ...all.map(deadlineOf));
    return run;
  }

  onCancelled(request: InferenceRequest): void {
    this.#listener.onRequestCancelled(this, request);
  }

  onRescheduled(request: InferenceRequest): void {
    this.#listener.onRequestRescheduled(this, request);
  }

  onHeld(): void {
    this.#listener.onRequestHeld(this);
  }

  onRequeued(): void {
    // It is this that tells.
  }

  onSuccess(request: InferenceRequest): void {
    this.#joinRuns(request);
    this.#observer?.onSuccess(request);
    this.#onEnd(request);
  }

  onFailed(request: InferenceRequest, failure: Failure, wasExecuting: boolean): void {
    this.#observer?.onFailed(request, failure, wasExecuting);
    const isGivenUp = request === this.#underWay && !wasExecuting && failure.code === "CANCELLED";
    if (isGivenUp) this.#listener.onRequestCancelled(this, null);
    this.#onEnd(request);
  }

  #onEnd(request: InferenceRequest): void {
    // Requests that failed while they waited were taken out before.
    if (request !== this.#underWay) return;
    this.#underWay = null;
    this.#earlierRuns = null;
    this.#listener.onRequestEnded(this);
  }

  /** Makes the times of all runs those of the one request that it counts as. */
  #joinRuns(request: InferenceRequest): void {
    if (this.#earlierRuns === null || request !== this.#underWay) return;
    const endUs = request.computeEndUs;
    this.#earlierRuns.add(request);
    request.queueStartUs = this.#arrivalUs;
    this.#earlierRuns.writeTo(request, endUs);
  }
}
