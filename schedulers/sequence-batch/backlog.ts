import type { InferenceRequest } from "../../server/core/inference-request.ts";
import { deadlineOf, type Sequence } from "./sequence.ts";

/** Sequences that wait for a slot, in the order of their first requests. Any number of them. */
export class Backlog {
  /** In order: a set keeps it, and gives up members in the middle at no cost. */
  readonly #sequences = new Set<Sequence>();
  /** Not later than the first deadline of any of them. */
  #nextDeadlineUs = Number.POSITIVE_INFINITY;

  get length(): number {
    return this.#sequences.size;
  }

  /** No sequence's time is over before this moment; Infinity: none has a limit. */
  get nextDeadlineUs(): number {
    return this.#nextDeadlineUs;
  }

  [Symbol.iterator](): Iterator<Sequence> {
    return this.#sequences.values();
  }

  /** Puts a sequence at the end. */
  push(sequence: Sequence): void {
    this.#sequences.add(sequence);
  }

  /** One of the sequences has got a request, whose timeout counts for all of the sequence. */
  onRequest(sequence: Sequence, request: InferenceRequest): void {
    sequence.deadlineUs = Math.min(sequence.deadlineUs, deadlineOf(request));
    this.#nextDeadlineUs = Math.min(this.#nextDeadlineUs, sequence.deadlineUs);
  }

  /** Takes the first one out. */
  shift(): Sequence | undefined {
    for (const sequence of this.#sequences) {
      this.delete(sequence);
      return sequence;
    }
    return undefined;
  }

  delete(sequence: Sequence): boolean {
    const wasHere = this.#sequences.delete(sequence);
    if (this.#sequences.size === 0) this.#nextDeadlineUs = Number.POSITIVE_INFINITY;
    return wasHere;
  }

  /** Takes those out whose time is over. Looks at all of them: call it only from {@link nextDeadlineUs} on. */
  takeExpired(nowUs: number): Sequence[] {
    const expired: Sequence[] = [];
    let next = Number.POSITIVE_INFINITY;
    for (const sequence of this.#sequences) {
      if (sequence.deadlineUs <= nowUs) expired.push(sequence);
      else next = Math.min(next, sequence.deadlineUs);
    }
    for (const sequence of expired) this.#sequences.delete(sequence);
    this.#nextDeadlineUs = next;
    return expired;
  }
}
