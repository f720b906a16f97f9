import { setTimeout as delay } from "node:timers/promises";

/** While a listener drains: no request for this long means that none is on its way any more. */
const quietMs = 200;
const checkMs = 50;

/** Counts the exchanges of one listener, so that a shutdown knows when the last reply is out. */
export class ExchangeLedger {
  #isDraining = false;
  #openCount = 0;
  #lastActivityMs = 0;

  /** Connections are to be closed after their next reply. */
  get isDraining(): boolean {
    return this.#isDraining;
  }

  /** A request has begun to arrive. */
  begin(): void {
    this.#openCount++;
  }

  /** Its reply has been sent, or its client has gone. Once per exchange. */
  end(): void {
    this.#openCount--;
    if (this.#isDraining) this.#lastActivityMs = performance.now();
  }

  /** @see HttpListener.drain */
  async drain(budgetMs: number): Promise<void> {
    const startMs = performance.now();
    this.#isDraining = true;
    this.#lastActivityMs = startMs;
    for (let nowMs = startMs; nowMs - startMs < budgetMs; nowMs = performance.now()) {
      if (this.#openCount === 0 && nowMs - this.#lastActivityMs >= quietMs) return;
      await delay(checkMs);
    }
  }
}
