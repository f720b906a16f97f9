import { type Failure, failure } from "../../server/core/status.ts";
import type { QueuePolicy } from "../../server/model-config/model-config.ts";
import { type QueuedRequest, QueuedRequestList } from "./queued-request.ts";

/** The refusal of a full queue. One constant: a server under overload makes nothing per refusal. */
export const queueFull: Failure = failure("UNAVAILABLE", "Exceeds maximum queue size");

/** How long a request may wait under a policy, in µs; `Infinity`: for ever. */
export function queueTimeoutUs(policy: QueuePolicy, requestTimeoutUs: number): number {
  const defaultUs = policy.defaultTimeoutUs;
  // As in Triton, a request can only shorten its wait, and so changes nothing where there is no limit.
  if (defaultUs === 0) return Number.POSITIVE_INFINITY;
  const mayOverride = policy.allowTimeoutOverride && requestTimeoutUs > 0;
  return mayOverride ? Math.min(defaultUs, requestTimeoutUs) : defaultUs;
}

/**
 * The waiting requests of one priority level.
 *
 * ```
 *   served first ─► unexpired: a b c ─► delayed: x y ◄─ those whose time was over, under DELAY
 * ```
 */
export class PolicyQueue {
  /** 1 is the highest; 0 in a queue without priorities. */
  readonly level: number;
  readonly policy: QueuePolicy;
  readonly unexpired = new QueuedRequestList();
  readonly delayed = new QueuedRequestList();

  constructor(level: number, policy: QueuePolicy) {
    this.level = level;
    this.policy = policy;
  }

  /** Delayed requests included: they still wait. */
  get length(): number {
    return this.unexpired.length + this.delayed.length;
  }

  get isFull(): boolean {
    return this.policy.maxQueueSize !== 0 && this.length >= this.policy.maxQueueSize;
  }

  get first(): QueuedRequest | null {
    return this.unexpired.first ?? this.delayed.first;
  }

  append(entry: QueuedRequest): void {
    this.unexpired.append(entry);
  }

  remove(entry: QueuedRequest): void {
    (entry.isDelayed ? this.delayed : this.unexpired).remove(entry);
  }

  /** Moves a request behind all others of this level. */
  delay(entry: QueuedRequest): void {
    this.unexpired.remove(entry);
    entry.isDelayed = true;
    this.delayed.append(entry);
  }

  /** The request served after this one within the level. */
  after(entry: QueuedRequest): QueuedRequest | null {
    return entry.next ?? (entry.isDelayed ? null : this.delayed.first);
  }
}
