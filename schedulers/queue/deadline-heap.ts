import type { QueuedRequest } from "./queued-request.ts";

/**
 * Requests that have a deadline, the earliest on top. A binary heap in which each request knows its position, so that
 * one that is served leaves at once: long timeouts must not keep the memory of requests that were answered long ago.
 */
export class DeadlineHeap {
  readonly #entries: QueuedRequest[] = [];

  /** The request whose time is over first, or `undefined`. */
  peek(): QueuedRequest | undefined {
    return this.#entries[0];
  }

  push(entry: QueuedRequest): void {
    this.#entries.push(entry);
    entry.heapIndex = this.#entries.length - 1;
    this.#rise(entry);
  }

  /** Takes a request out; does nothing for one that is not in. */
  remove(entry: QueuedRequest): void {
    const index = entry.heapIndex;
    if (index < 0) return;
    entry.heapIndex = -1;
    const last = this.#entries.pop();
    if (last === undefined || last === entry) return;
    this.#place(last, index);
    this.#rise(last);
    this.#sink(last);
  }

  #place(entry: QueuedRequest, index: number): void {
    this.#entries[index] = entry;
    entry.heapIndex = index;
  }

  #rise(entry: QueuedRequest): void {
    let index = entry.heapIndex;
    while (index > 0) {
      const parentIndex = (index - 1) >> 1;
      const parent = this.#entries[parentIndex];
      if (parent === undefined || isBefore(parent, entry)) break;
      this.#place(parent, index);
      index = parentIndex;
    }
    this.#place(entry, index);
  }

  #sink(entry: QueuedRequest): void {
    let index = entry.heapIndex;
    for (;;) {
      const left = this.#entries[2 * index + 1];
      const right = this.#entries[2 * index + 2];
      const child = left !== undefined && right !== undefined && isBefore(right, left) ? right : left;
      if (child === undefined || isBefore(entry, child)) break;
      const childIndex = child.heapIndex;
      this.#place(child, index);
      index = childIndex;
    }
    this.#place(entry, index);
  }
}

function isBefore(a: QueuedRequest, b: QueuedRequest): boolean {
  return a.deadlineUs < b.deadlineUs || (a.deadlineUs === b.deadlineUs && a.arrival < b.arrival);
}
