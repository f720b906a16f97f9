import type { Clock, ClockTimer } from "../../server/core/clock.ts";

interface PendingTimer extends ClockTimer {
  readonly deadlineUs: number;
  readonly callback: () => void;
  isCancelled: boolean;
}

/** Virtual time: stands still until told to move. */
export class ManualClock implements Clock {
  #nowUs: number;
  #timers: PendingTimer[] = [];
  #turn: (() => void)[] = [];

  constructor(nowUs = 1_000_000) {
    this.#nowUs = nowUs;
  }

  nowUs(): number {
    return this.#nowUs;
  }

  at(deadlineUs: number, callback: () => void): ClockTimer {
    const timer: PendingTimer = {
      deadlineUs,
      callback,
      isCancelled: false,
      cancel: () => (timer.isCancelled = true),
    };
    this.#timers.push(timer);
    return timer;
  }

  endOfTurn(callback: () => void): void {
    this.#turn.push(callback);
  }

  /** Timers that are armed. */
  get timerCount(): number {
    return this.#timers.filter((timer) => !timer.isCancelled).length;
  }

  /** Ends the current turn of the event loop, and the turns that this begins. */
  endTurn(): void {
    for (let next = this.#turn.shift(); next !== undefined; next = this.#turn.shift()) next();
  }

  /** Moves time forward, running what falls due, in order. */
  advance(us: number): void {
    const endUs = this.#nowUs + us;
    for (;;) {
      const due = this.#timers
        .filter((timer) => !timer.isCancelled && timer.deadlineUs <= endUs)
        .sort((a, b) => a.deadlineUs - b.deadlineUs)[0];
      if (due === undefined) break;
      this.#timers = this.#timers.filter((timer) => timer !== due);
      this.#nowUs = Math.max(this.#nowUs, due.deadlineUs);
      due.callback();
      this.endTurn();
    }
    this.#nowUs = endUs;
  }
}
