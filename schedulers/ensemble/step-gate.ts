import { FixedQueue } from "../../server/core/fixed-queue.ts";

/** Something that waits to pass a {@link StepGate}. */
export interface GateGuest {
  /** It has passed: a place is its own until {@link StepGate.leave}. */
  onPassed(): void;
}

/** Bounds how many requests of all clients are inside one step of an ensemble at once. First come, first served. */
export class StepGate {
  readonly #limit: number;
  readonly #waiting = new FixedQueue<GateGuest>(16);
  #insideCount = 0;

  /** @param limit - At least 1. */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Requests inside. */
  get insideCount(): number {
    return this.#insideCount;
  }

  /** Calls {@link GateGuest.onPassed} at once, or when places have become free. */
  enter(guest: GateGuest): void {
    if (this.#insideCount < this.#limit) {
      this.#insideCount++;
      guest.onPassed();
    } else {
      this.#waiting.push(guest);
    }
  }

  /** Gives a place back. */
  leave(): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#insideCount--;
    else next.onPassed();
  }

  /** Takes a guest out that still waits. */
  giveUp(guest: GateGuest): void {
    this.#waiting.remove(guest);
  }
}
