import { performance } from "node:perf_hooks";
import type { LoadClient } from "../client-backend/exchange.ts";
import { LoadLoop } from "./load-loop.ts";
import type { LoadPlan } from "./load-plan.ts";
import type { RequestSource } from "./request-source.ts";

/** Keeps a number of requests outstanding: each response is followed by the next request. */
export class ConcurrencyLoop extends LoadLoop {
  readonly #concurrency: number;
  #utilization = performance.eventLoopUtilization();

  constructor(
    client: LoadClient,
    plan: LoadPlan,
    source: RequestSource,
    limits: { readonly concurrency: number; readonly requestCount: number | null },
  ) {
    super(client, plan, source, limits.requestCount);
    this.#concurrency = limits.concurrency;
  }

  start(): void {
    this.#utilization = performance.eventLoopUtilization();
    for (let slot = 0; slot < this.#concurrency; slot++) this.onFree(slot);
  }

  protected onFree(slot: number): void {
    if (this.leftCount > 0) this.send(slot, null);
  }

  protected takeIdleUs(): number {
    const since = performance.eventLoopUtilization(this.#utilization);
    this.#utilization = performance.eventLoopUtilization();
    return since.idle * 1e3;
  }
}
