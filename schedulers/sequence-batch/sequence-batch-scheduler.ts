import { randomUUID } from "node:crypto";
import type { Clock, ClockTimer } from "../../server/core/clock.ts";
import type { CorrelationId, InferenceRequest } from "../../server/core/inference-request.ts";
import { type Failure, failure, rejection, type Status } from "../../server/core/status.ts";
import type { InstanceLane, InstancePool, Scheduler } from "../scheduler.ts";
import { Backlog } from "./backlog.ts";
import { FreeSlots } from "./free-slots.ts";
import { laneLost } from "./lane-lost.ts";
import { Sequence, type SequenceListener } from "./sequence.ts";
import type { SequenceLane, SequenceSlot } from "./sequence-lane.ts";

/** What the scheduler is made of. */
export interface SequenceBatchParts {
  readonly modelName: string;
  /** A sequence in a slot ends when it has had nothing to do for so long. */
  readonly maxSequenceIdleUs: number;
  /** Models may ask for another run of a request; each request is a sequence then, unless its client says otherwise. */
  readonly isIterative: boolean;
  /** The strategy, once for each instance. */
  readonly makeLane: (instance: InstanceLane) => SequenceLane;
  readonly pool: InstancePool;
  readonly clock: Clock;
  /** Writes a line into the log. */
  readonly warn: (message: string) => void;
}

const stopping = failure("UNAVAILABLE", "Model is being unloaded and takes no new sequences");
const cancelled = failure("CANCELLED", "Request cancelled while it was queued");
const runCancelled = failure("CANCELLED", "Request cancelled, because another one of its sequence was");
const timedOut = rejection("timeout of the corresponding sequence has been expired");

/**
 * Serves models that remember: all requests of a sequence go to one slot of one instance, in order, one at a time.
 *
 * ```
 *                     a slot is free        END, idle, cancelled
 *   START ──► backlog ───────────────► slot ───────────────────► gone
 *        └──────────────────────────────┘
 *          when nobody waits in the backlog
 * ```
 *
 * @remarks
 * What happens inside a slot is the strategy's: see {@link SequenceLane}. Here is who owns which slot. There is one
 * timer, for the first of: a sequence that idles too long, one that waits too long, and what a lane waits for.
 * @see contract §6.5
 */
export class SequenceBatchScheduler implements Scheduler, SequenceListener {
  readonly #parts: SequenceBatchParts;
  readonly #clock: Clock;
  /** Sequences that take requests, in a slot or in the backlog. */
  readonly #open = new Map<CorrelationId, Sequence>();
  /** Those in slots, with the slot's lane; closed ones too, until their last request is answered. */
  readonly #inSlots = new Set<Sequence>();
  readonly #backlog = new Backlog();
  /** Those in slots with nothing to do, the one that has been idle for longest first. */
  readonly #idle = new Set<Sequence>();
  readonly #freeSlots = new FreeSlots();
  #lanes = new Map<InstanceLane, SequenceLane>();
  /** What {@link #lanes} was made from. */
  #instances: readonly InstanceLane[] = [];
  #isStopped = false;
  #isPassDue = false;
  #timer: ClockTimer | null = null;
  /** What the timer is armed for; Infinity when there is none. */
  #timerDeadlineUs = Number.POSITIVE_INFINITY;

  constructor(parts: SequenceBatchParts) {
    this.#parts = parts;
    this.#clock = parts.clock;
    parts.pool.onCapacity(this.#onCapacity);
    this.#updateLanes();
  }

  enqueue(request: InferenceRequest): Status {
    if (this.#parts.isIterative && isNone(request.correlationId)) {
      // Nobody can guess it, so that no client's own id means this sequence to the model.
      request.correlationId = randomUUID();
      request.isSequenceStart = true;
    }
    const refusal = this.#parts.pool.brokenReason() ?? this.#check(request);
    if (refusal !== null) return refusal;
    const id = request.correlationId;
    const known = this.#open.get(id);
    if (known !== undefined && request.isSequenceStart) {
      this.#parts.warn(
        `Model '${this.#parts.modelName}': sequence ${String(id)} started again before its END came; the earlier one ends here`,
      );
    }
    const sequence = known ?? this.#begin(id);
    sequence.add(request);
    this.#idle.delete(sequence);
    if (request.isSequenceEnd) this.#close(sequence);
    if (sequence.slot === null) {
      this.#backlog.onRequest(sequence, request);
      this.#armTimer();
    } else if (sequence.isReady) {
      sequence.slot.lane.onReady(sequence);
      this.#requestPass();
    }
    return null;
  }

  queuedCount(): number {
    let count = 0;
    for (const lane of this.#lanes.values()) count += lane.queuedCount();
    for (const sequence of this.#inSlots) count += sequence.waitingCount;
    for (const sequence of this.#backlog) count += sequence.waitingCount;
    return count;
  }

  stop(): void {
    this.#isStopped = true;
    // The timer must not keep the process alive for sequences that merely idle.
    this.#timer?.cancel();
    this.#timerDeadlineUs = Number.POSITIVE_INFINITY;
    this.#armTimer();
  }

  onRequestEnded(sequence: Sequence): void {
    this.#idle.delete(sequence);
    if (this.#parts.isIterative && sequence.isEmpty) this.#close(sequence);
    this.#settle(sequence);
  }

  onRequestRescheduled(sequence: Sequence, request: InferenceRequest): void {
    if (sequence.slot === null) {
      request.fail(this.#mustStart(sequence.id));
      return;
    }
    this.#idle.delete(sequence);
    sequence.putBack(request, this.#clock.nowUs());
    if (request.isCancelled) this.onRequestCancelled(sequence, request);
    else this.#settle(sequence);
  }

  onRequestHeld(sequence: Sequence): void {
    if (sequence.slot !== null && sequence.waitingCount === 0) this.#startIdling(sequence);
  }

  onRequestCancelled(sequence: Sequence, request: InferenceRequest | null): void {
    const run = sequence.takeRun(request);
    if (sequence.isClosed) this.#close(sequence);
    if (sequence.isEmpty) this.#backlog.delete(sequence);
    for (const member of run) member.fail(member === request ? cancelled : runCancelled);
    if (request !== null) this.#settle(sequence);
  }

  #check(request: InferenceRequest): Status {
    const { modelName } = this.#parts;
    if (request.batchSize !== 1) {
      return invalid(
        `inference request to model '${modelName}' must specify batch-size 1 due to requirements of sequence batcher, got ${request.batchSize}`,
      );
    }
    const id = request.correlationId;
    if (isNone(id)) {
      return invalid(
        `inference request to model '${modelName}' must specify a non-zero or non-empty correlation ID`,
      );
    }
    if (request.isSequenceStart) return this.#isStopped ? stopping : null;
    return this.#open.has(id) ? null : this.#mustStart(id);
  }

  #mustStart(id: CorrelationId): Failure {
    const { modelName } = this.#parts;
    return invalid(
      `inference request for sequence ${String(id)} to model '${modelName}' must specify the START flag on the first request of the sequence`,
    );
  }

  /** A new sequence, in a slot if one is free and nobody waits for it. */
  #begin(id: CorrelationId): Sequence {
    const sequence = new Sequence(id, this, this.#parts.isIterative);
    this.#open.set(id, sequence);
    const slot = this.#backlog.length === 0 ? this.#freeSlots.take() : null;
    if (slot === null) this.#backlog.push(sequence);
    else this.#occupy(slot, sequence);
    return sequence;
  }

  #occupy(slot: SequenceSlot, sequence: Sequence): void {
    sequence.slot = slot;
    this.#inSlots.add(sequence);
    slot.lane.occupy(slot.index, sequence);
  }

  /** Takes no more requests for it: its id may begin another one. */
  #close(sequence: Sequence): void {
    sequence.isClosed = true;
    if (this.#open.get(sequence.id) === sequence) this.#open.delete(sequence.id);
  }

  /** Decides how a sequence in a slot goes on when none of its requests is under way. */
  #settle(sequence: Sequence): void {
    const { slot } = sequence;
    if (slot === null) return;
    if (sequence.isReady) {
      slot.lane.onReady(sequence);
      this.#requestPass();
    } else if (!sequence.isEmpty) {
      return;
    } else if (sequence.isClosed) {
      this.#release(sequence, slot);
    } else {
      this.#startIdling(sequence);
    }
  }

  #startIdling(sequence: Sequence): void {
    sequence.idleSinceUs = this.#clock.nowUs();
    this.#idle.add(sequence);
    this.#armTimer();
  }

  #release(sequence: Sequence, { lane, index }: SequenceSlot): void {
    this.#forget(sequence);
    lane.vacate(index);
    this.#freeSlots.give(lane, index);
    if (this.#backlog.length > 0) this.#requestPass();
  }

  #forget(sequence: Sequence): void {
    this.#close(sequence);
    this.#idle.delete(sequence);
    this.#inSlots.delete(sequence);
    sequence.slot = null;
  }

  readonly #onCapacity = (): void => {
    this.#requestPass();
    for (const lane of this.#lanes.values()) lane.onCapacity();
  };

  readonly #requestPass = (): void => {
    if (this.#isPassDue) return;
    this.#isPassDue = true;
    this.#clock.endOfTurn(this.#runPass);
  };

  readonly #runPass = (): void => {
    this.#isPassDue = false;
    this.#updateLanes();
    const broken = this.#parts.pool.brokenReason();
    if (broken !== null) this.#failAll(broken);
    this.#fillSlots();
    const nowUs = this.#clock.nowUs();
    for (const lane of this.#lanes.values()) lane.run(nowUs);
    this.#armTimer();
  };

  /** Follows the pool: instances that died take their sequences with them, new ones bring slots. */
  #updateLanes(): void {
    const instances = this.#parts.pool.lanes();
    if (instances === this.#instances) return;
    this.#instances = instances;
    const before = this.#lanes;
    this.#lanes = new Map();
    for (const instance of instances) {
      const known = before.get(instance);
      const lane = known ?? this.#parts.makeLane(instance);
      this.#lanes.set(instance, lane);
      if (known === undefined) this.#freeSlots.addLane(lane);
      before.delete(instance);
    }
    for (const lane of before.values()) this.#loseLane(lane);
  }

  #loseLane(lane: SequenceLane): void {
    this.#freeSlots.removeLane(lane);
    const lost = [...this.#inSlots].filter((sequence) => sequence.slot?.lane === lane);
    const requests = lost.flatMap((sequence) => sequence.takeAll());
    for (const sequence of lost) this.#forget(sequence);
    for (const request of requests) request.fail(laneLost);
    lane.onLost();
  }

  #failAll(broken: Failure): void {
    const all = [...this.#inSlots, ...this.#backlog];
    const requests = all.flatMap((sequence) => sequence.takeAll());
    for (const sequence of all) {
      this.#backlog.delete(sequence);
      this.#forget(sequence);
    }
    for (const request of requests) request.fail(broken);
  }

  /** Sequences move up from the backlog. */
  #fillSlots(): void {
    while (this.#backlog.length > 0) {
      const slot = this.#freeSlots.take();
      const sequence = slot === null ? undefined : this.#backlog.shift();
      if (slot === null || sequence === undefined) return;
      this.#occupy(slot, sequence);
      slot.lane.onReady(sequence);
    }
  }

  #armTimer(): void {
    const deadlineUs = this.#nextDeadlineUs();
    // One that comes too early is left alone: it costs less than a new one for each request.
    if (deadlineUs >= this.#timerDeadlineUs) return;
    this.#timer?.cancel();
    this.#timer = null;
    this.#timerDeadlineUs = deadlineUs;
    this.#timer = this.#clock.at(deadlineUs, this.#onTimer);
  }

  #nextDeadlineUs(): number {
    let deadlineUs = this.#backlog.nextDeadlineUs;
    if (!this.#isStopped || this.#backlog.length > 0) {
      for (const { idleSinceUs } of this.#idle) {
        deadlineUs = Math.min(deadlineUs, idleSinceUs + this.#parts.maxSequenceIdleUs);
        break;
      }
    }
    for (const lane of this.#lanes.values()) deadlineUs = Math.min(deadlineUs, lane.wakeAtUs);
    return deadlineUs;
  }

  readonly #onTimer = (): void => {
    this.#timer = null;
    this.#timerDeadlineUs = Number.POSITIVE_INFINITY;
    const nowUs = this.#clock.nowUs();
    this.#endIdle(nowUs);
    this.#rejectExpired(nowUs);
    if (!this.#isPassDue) this.#runPass();
  };

  #endIdle(nowUs: number): void {
    for (const sequence of this.#idle) {
      if (sequence.idleSinceUs + this.#parts.maxSequenceIdleUs > nowUs) return;
      if (sequence.slot !== null) this.#release(sequence, sequence.slot);
    }
  }

  #rejectExpired(nowUs: number): void {
    if (this.#backlog.nextDeadlineUs > nowUs) return;
    const expired = this.#backlog.takeExpired(nowUs);
    const requests = expired.flatMap((sequence) => sequence.takeAll());
    for (const sequence of expired) this.#close(sequence);
    for (const request of requests) request.fail(timedOut);
  }
}

function isNone(id: CorrelationId): boolean {
  return id === 0 || id === "";
}

function invalid(message: string): Failure {
  return failure("INVALID_ARG", message);
}
