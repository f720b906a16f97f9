import { parentPort, workerData } from "node:worker_threads";
import type { LoadClient } from "./client-backend/exchange.ts";
import { GrpcLoadClient } from "./client-backend/grpc/grpc-load-client.ts";
import { GrpcStreamLoadClient } from "./client-backend/grpc/grpc-stream-load-client.ts";
import { HttpLoadClient } from "./client-backend/http/http-load-client.ts";
import { ConcurrencyLoop } from "./load-manager/concurrency-loop.ts";
import type { LoadLoop } from "./load-manager/load-loop.ts";
import type { LoadAnswer, LoadCommand, LoadPlan } from "./load-manager/load-plan.ts";
import { PeriodicLoop } from "./load-manager/periodic-loop.ts";
import { RequestRateLoop } from "./load-manager/request-rate-loop.ts";
import { RequestSource } from "./load-manager/request-source.ts";
import { loadSharedObjects } from "./shared-memory/shared-object.ts";
import { SharedOutputReader } from "./shared-memory/shared-output-reader.ts";

/** Connections that are opened before a schedule without a bound begins. */
const openAheadCount = 8;

/** A thread that makes load: commands come as messages, and each is answered with one. */
class LoadWorker {
  readonly #plan: LoadPlan;
  readonly #client: LoadClient;
  #loop: LoadLoop | null = null;

  private constructor(plan: LoadPlan, client: LoadClient) {
    this.#plan = plan;
    this.#client = client;
  }

  /** Rejects when the outputs' shared memory cannot be mapped. */
  static async create(plan: LoadPlan): Promise<LoadWorker> {
    const shared = plan.sharedOutputs;
    if (shared === null) return new LoadWorker(plan, loadClient(plan.client, null));
    // It stays mapped until the process ends: responses may come as long.
    const { bytes } = (await loadSharedObjects()).open(shared.region.key, shared.region.byteLength);
    const reader = new SharedOutputReader(bytes, shared.outputNames, shared.lanes);
    return new LoadWorker(plan, loadClient(plan.client, reader));
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

function loadClient(plan: LoadPlan["client"], shared: SharedOutputReader | null): LoadClient {
  if (plan.protocol === "http") return new HttpLoadClient(plan, shared);
  return plan.isStreaming ? new GrpcStreamLoadClient(plan, shared) : new GrpcLoadClient(plan, shared);
}

const port = parentPort;
if (port === null) throw new Error("The load worker is a worker thread. This is a bug.");
const created = LoadWorker.create(workerData as LoadPlan);
// The first command is answered with the reason.
created.catch(() => undefined);
port.on("message", (command: LoadCommand) => {
  const answered = created.then((worker) => worker.handle(command));
  answered.then(
    (answer) => port.postMessage({ answer }, answer === null ? [] : [answer.rows.buffer]),
    (error: unknown) => port.postMessage({ error: error instanceof Error ? error.message : String(error) }),
  );
});
