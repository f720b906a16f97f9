import type { LoadClient } from "./client-backend/exchange.ts";
import { ConcurrencyLoop } from "./load-manager/concurrency-loop.ts";
import type { LoadLoop } from "./load-manager/load-loop.ts";
import type { LoadAnswer, LoadCommand, LoadPlan } from "./load-manager/load-plan.ts";
import { PeriodicLoop } from "./load-manager/periodic-loop.ts";
import { RequestRateLoop } from "./load-manager/request-rate-loop.ts";
import { RequestSource } from "./load-manager/request-source.ts";

/** Connections that are opened before a schedule without a bound begins. */
const openAheadCount = 8;

/** Makes the load of a thread: commands come as messages, and each is answered with one. */
export class LoadWorker {
  readonly #plan: LoadPlan;
  readonly #client: LoadClient;
  #loop: LoadLoop | null = null;

  constructor(plan: LoadPlan, client: LoadClient) {
    this.#plan = plan;
    this.#client = client;
  }

  /** The answer to a command. Rejects when the server cannot be reached. */
  async handle(command: LoadCommand): Promise<LoadAnswer | null> {
    switch (command.kind) {
      case "prepare":
        await this.#prepare(command);
        return null;
      case "start":
        this.#loop?.start(command.startUs);
        return null;
      case "collect":
        return this.#loop?.collect() ?? null;
      case "stop": {
        await this.#loop?.stop();
        return this.#loop?.collect() ?? null;
      }
    }
  }

  async #prepare(command: Extract<LoadCommand, { kind: "prepare" }>): Promise<void> {
    const { run, share, maxOutstanding, isSerial } = command;
    const { level, requestCount, skipCount } = run;
    const source = new RequestSource(this.#plan.streams, this.#plan.sequences, share, skipCount);
    switch (level.kind) {
      case "concurrency": {
        const concurrency = maxOutstanding ?? level.concurrency;
        await this.#client.open(concurrency);
        this.#loop = new ConcurrencyLoop(this.#client, this.#plan, source, { concurrency, requestCount });
        return;
      }
      case "rate": {
        await this.#client.open(maxOutstanding ?? openAheadCount);
        const slots = { slotCount: maxOutstanding, isSerial };
        const rate = { arrivals: level.arrivals, share, requestCount, skipCount, ...slots };
        this.#loop = new RequestRateLoop(this.#client, this.#plan, source, rate);
        return;
      }
      case "periodic":
        await this.#client.open(level.start);
        this.#loop = new PeriodicLoop(this.#client, this.#plan, source, level);
    }
  }
}
