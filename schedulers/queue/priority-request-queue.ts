import type { InferenceRequest } from "../../server/core/inference-request.ts";
import type { Status } from "../../server/core/status.ts";
import type { QueuePolicy } from "../../server/model-config/model-config.ts";
import { DeadlineHeap } from "./deadline-heap.ts";
import { PolicyQueue, queueFull, queueTimeoutUs } from "./policy-queue.ts";
import { QueuedRequest } from "./queued-request.ts";
import type { RequestQueue } from "./request-queue.ts";

/** The priorities and limits of a queue, as in the config's `dynamic_batching`. */
export interface QueueRules {
  /** 0: no priorities, one queue. */
  readonly priorityLevels: number;
  /** Level of requests that name none or one that does not exist. */
  readonly defaultPriorityLevel: number;
  readonly defaultQueuePolicy: QueuePolicy;
  /** By level; the others have {@link defaultQueuePolicy}. */
  readonly priorityQueuePolicy: ReadonlyMap<number, QueuePolicy>;
}

/**
 * A queue with priority levels and queue policies.
 *
 * @remarks Strict priority: nothing of a lower level is served while a higher one waits. Within a level first in, first
 * out, those that were delayed by their timeout last.
 * @see contract §6.3
 */
export class PriorityRequestQueue implements RequestQueue {
  readonly #rules: QueueRules;
  /** Levels in which something waits, the highest first. The others are not kept: a config may name millions. */
  readonly #levels: PolicyQueue[] = [];
  readonly #entries = new Map<InferenceRequest, QueuedRequest>();
  readonly #deadlines = new DeadlineHeap();
  #arrivals = 0;
  /** Where {@link peek} was last: it is called with one position after the other. */
  #cursor: QueuedRequest | null = null;
  #cursorPosition = -1;

  constructor(rules: QueueRules) {
    this.#rules = rules;
  }

  get length(): number {
    return this.#entries.size;
  }

  push(request: InferenceRequest): Status {
    const levelNumber = this.#levelOf(request.priority);
    const position = this.#positionOf(levelNumber);
    let level = this.#levels[position];
    if (level?.level !== levelNumber) {
      level = new PolicyQueue(levelNumber, this.#policyOf(levelNumber));
      this.#levels.splice(position, 0, level);
    } else if (level.isFull) {
      return queueFull;
    }
    const timeoutUs = queueTimeoutUs(level.policy, request.timeoutUs);
    const entry = new QueuedRequest(request, level, this.#arrivals++, request.queueStartUs + timeoutUs);
    level.append(entry);
    if (Number.isFinite(timeoutUs)) this.#deadlines.push(entry);
    this.#entries.set(request, entry);
    this.#forgetCursor();
    return null;
  }

  peek(position = 0): InferenceRequest | undefined {
    let entry: QueuedRequest | null;
    let at: number;
    if (this.#cursor !== null && position >= this.#cursorPosition) {
      entry = this.#cursor;
      at = this.#cursorPosition;
    } else {
      entry = this.#levels[0]?.first ?? null;
      at = 0;
    }
    for (; at < position && entry !== null; at++) entry = this.#after(entry);
    if (entry === null) return undefined;
    this.#cursor = entry;
    this.#cursorPosition = position;
    return entry.request;
  }

  shift(): InferenceRequest | undefined {
    const entry = this.#levels[0]?.first ?? null;
    if (entry === null) return undefined;
    this.#remove(entry);
    return entry.request;
  }

  mayOvertake(request: InferenceRequest, other: InferenceRequest): boolean {
    const entry = this.#entries.get(request);
    const otherEntry = this.#entries.get(other);
    return entry?.level === otherEntry?.level && entry?.isDelayed === otherEntry?.isDelayed;
  }

  remove(request: InferenceRequest): boolean {
    const entry = this.#entries.get(request);
    if (entry === undefined) return false;
    this.#remove(entry);
    return true;
  }

  nextExpiryUs(): number {
    return this.#deadlines.peek()?.deadlineUs ?? Number.POSITIVE_INFINITY;
  }

  takeExpired(nowUs: number): InferenceRequest | undefined {
    for (let entry = this.#deadlines.peek(); entry !== undefined; entry = this.#deadlines.peek()) {
      if (entry.deadlineUs > nowUs) return undefined;
      if (entry.level.policy.timeoutAction === "REJECT") {
        this.#remove(entry);
        return entry.request;
      }
      this.#deadlines.remove(entry);
      entry.level.delay(entry);
      this.#forgetCursor();
    }
    return undefined;
  }

  #levelOf(priority: number): number {
    const { priorityLevels, defaultPriorityLevel } = this.#rules;
    if (priorityLevels === 0) return 0;
    return priority >= 1 && priority <= priorityLevels ? priority : defaultPriorityLevel;
  }

  #policyOf(level: number): QueuePolicy {
    return this.#rules.priorityQueuePolicy.get(level) ?? this.#rules.defaultQueuePolicy;
  }

  /** Where this level is in {@link #levels}, or would have to be. */
  #positionOf(level: number): number {
    let low = 0;
    let high = this.#levels.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#levels[middle]?.level ?? level) < level) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #after(entry: QueuedRequest): QueuedRequest | null {
    const next = entry.level.after(entry);
    if (next !== null) return next;
    return this.#levels[this.#positionOf(entry.level.level) + 1]?.first ?? null;
  }

  #remove(entry: QueuedRequest): void {
    entry.level.remove(entry);
    if (entry.level.length === 0) this.#levels.splice(this.#positionOf(entry.level.level), 1);
    this.#deadlines.remove(entry);
    this.#entries.delete(entry.request);
    this.#forgetCursor();
  }

  #forgetCursor(): void {
    this.#cursor = null;
    this.#cursorPosition = -1;
  }
}
