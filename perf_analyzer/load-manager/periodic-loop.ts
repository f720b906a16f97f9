import { performance } from "node:perf_hooks";
import type { Exchange, LoadClient } from "../client-backend/exchange.ts";
import type { PeriodicLevel } from "./load-level.ts";
import { LoadLoop } from "./load-loop.ts";
import type { LoadPlan } from "./load-plan.ts";
import type { RequestSource } from "./request-source.ts";

/** Sends requests in groups: each request once, and the next group when all of the last one are so far. */
export class PeriodicLoop extends LoadLoop {
  readonly #level: PeriodicLevel;
  readonly #freeSlots: number[] = [];
  #slotCount = 0;
  /** Requests of the last group that lack responses. */
  #waitingCount = 0;
  #utilization = performance.eventLoopUtilization();

  constructor(client: LoadClient, plan: LoadPlan, source: RequestSource, level: PeriodicLevel) {
    super(client, plan, source, level.end);
    this.#level = level;
    this.onResponse = (exchange) => this.#count(exchange);
    this.findFault = (exchange) => this.#describeShortfall(exchange);
  }

  start(): void {
    this.#utilization = performance.eventLoopUtilization();
    this.#sendGroup(this.#level.start);
  }

  protected onFree(slot: number): void {
    this.#freeSlots.push(slot);
  }

  protected takeIdleUs(): number {
    const since = performance.eventLoopUtilization(this.#utilization);
    this.#utilization = performance.eventLoopUtilization();
    return since.idle * 1e3;
  }

  #describeShortfall({ responseCount }: Exchange): string | null {
    const { periodResponseCount } = this.#level;
    return responseCount >= periodResponseCount
      ? null
      : `a request ended after ${responseCount} responses, before its period of ${periodResponseCount}: lower --request-period`;
  }

  #count(exchange: Exchange): void {
    if (exchange.responseCount !== this.#level.periodResponseCount) return;
    this.#waitingCount--;
    if (this.#waitingCount === 0 && !this.isStopped) this.#sendGroup(this.#level.step);
  }

  #sendGroup(count: number): void {
    this.#waitingCount = Math.min(count, this.leftCount);
    for (let left = this.#waitingCount; left > 0; left--) {
      this.send(this.#freeSlots.pop() ?? this.#slotCount++, null);
    }
  }
}
