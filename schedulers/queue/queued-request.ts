import type { InferenceRequest } from "../../server/core/inference-request.ts";
import type { PolicyQueue } from "./policy-queue.ts";

/** A request's place in a {@link PriorityRequestQueue}. */
export class QueuedRequest {
  readonly request: InferenceRequest;
  readonly level: PolicyQueue;
  /** Counts up with each request that is queued: breaks ties between equal deadlines. */
  readonly arrival: number;
  /** When its time in the queue is over, monotonic µs; `Infinity`: never. */
  readonly deadlineUs: number;
  /** Its time was over, and its level delays such requests. */
  isDelayed = false;
  /** Position in the {@link DeadlineHeap}; -1 when it is not in there. */
  heapIndex = -1;
  previous: QueuedRequest | null = null;
  next: QueuedRequest | null = null;

  constructor(request: InferenceRequest, level: PolicyQueue, arrival: number, deadlineUs: number) {
    this.request = request;
    this.level = level;
    this.arrival = arrival;
    this.deadlineUs = deadlineUs;
  }
}

/** Requests in order of their arrival. A linked list, so that one can leave from the middle at once. */
export class QueuedRequestList {
  first: QueuedRequest | null = null;
  last: QueuedRequest | null = null;
  length = 0;

  append(entry: QueuedRequest): void {
    entry.previous = this.last;
    entry.next = null;
    if (this.last === null) this.first = entry;
    else this.last.next = entry;
    this.last = entry;
    this.length++;
  }

  /** @param entry - Must be in this list. */
  remove(entry: QueuedRequest): void {
    if (entry.previous === null) this.first = entry.next;
    else entry.previous.next = entry.next;
    if (entry.next === null) this.last = entry.previous;
    else entry.next.previous = entry.previous;
    entry.previous = null;
    entry.next = null;
    this.length--;
  }
}
