import { parentPort, receiveMessageOnPort, workerData } from "node:worker_threads";
import { failure, StatusError } from "../../server/core/status.ts";
import type { RequestInstanceModule, RequestModelInstance } from "../request-execution.ts";
import { AnswerOutbox } from "./answer-outbox.ts";
import type { FromRequestWorker, ToRequestWorker } from "./request-protocol.ts";
import { RequestRunner } from "./request-runner.ts";
import { ServerCalls } from "./server-calls.ts";
import type { WorkerStart } from "./worker-protocol.ts";

/**
 * The worker thread of one model instance that takes requests one by one: loads the backend's instance module, then does
 * what the messages say.
 */
if (parentPort === null) throw new Error("request-worker-entry runs in a worker thread only. This is a bug.");
const port = parentPort;

function post(message: FromRequestWorker, transferred: readonly ArrayBuffer[] = []): void {
  port.postMessage(message, transferred);
}

const ending = failure("UNAVAILABLE", "Model instance is being ended");

/** Does what the main thread says. */
class RequestWorker {
  readonly #instance: RequestModelInstance;
  readonly #calls: ServerCalls;
  readonly #outbox = new AnswerOutbox(post);
  #runner: RequestRunner | null = null;
  #isEnding = false;
  /** Messages that were found by {@link poll} and are none of the urgent ones: for the next turn. */
  readonly #postponed: ToRequestWorker[] = [];

  constructor(instance: RequestModelInstance, calls: ServerCalls) {
    this.#instance = instance;
    this.#calls = calls;
  }

  /** Handles a message, after those that came before it. */
  readonly receive = (message: ToRequestWorker): void => {
    this.#handlePostponed();
    this.#handle(message);
  };

  /**
   * Looks for cancellations while the model keeps the thread busy. Batches and the end must not begin inside a call of
   * the model's, and answers to its calls come as they always do: these wait for the next turn.
   */
  readonly #poll = (): void => {
    for (let next = receiveMessageOnPort(port); next !== undefined; next = receiveMessageOnPort(port)) {
      const message = (next as { readonly message: ToRequestWorker }).message;
      if (message.kind === "cancel" || message.kind === "written") {
        this.#handle(message);
        continue;
      }
      if (message.kind === "finalize" && message.isUrgent) this.#runner?.cancelAll();
      if (this.#postponed.push(message) === 1) setImmediate(() => this.#handlePostponed());
    }
  };

  #handlePostponed(): void {
    for (const message of this.#postponed.splice(0)) this.#handle(message);
  }

  #handle(message: ToRequestWorker): void {
    switch (message.kind) {
      case "bind":
        void this.#bind(message);
        break;
      case "execute":
        if (this.#runner === null)
          throw new Error("A batch arrived before the instance was bound. This is a bug.");
        this.#runner.run(message);
        break;
      case "cancel":
        this.#runner?.request(message.key)?.cancel();
        break;
      case "written":
        this.#runner?.request(message.key)?.written(message.count);
        break;
      case "call-answer":
        this.#calls.onAnswer(message);
        break;
      case "finalize":
        // A rejection becomes the worker's "error" event, which the main thread reports.
        void this.#finalize(message.isUrgent);
        break;
    }
  }

  async #bind({ spec, config }: Extract<ToRequestWorker, { kind: "bind" }>): Promise<void> {
    try {
      await this.#instance.bind(spec, config);
    } catch (thrown) {
      post({ kind: "bind-failed", failure: StatusError.from(thrown).toFailure() });
      return;
    }
    const { isDecoupled } = config;
    this.#runner = new RequestRunner({
      instance: this.#instance,
      spec,
      isDecoupled,
      outbox: this.#outbox,
      poll: this.#poll,
    });
    post({ kind: "bound" });
  }

  async #finalize(isUrgent: boolean): Promise<void> {
    if (isUrgent) {
      this.#runner?.cancelAll();
      this.#calls.failAll(ending);
    }
    if (this.#isEnding) return;
    this.#isEnding = true;
    await this.#runner?.idle();
    post({ kind: "finalizing" });
    await this.#instance.finalize();
    port.close();
    // A model's own timers and sockets must not keep the thread.
    process.exit(0);
  }
}

async function start(): Promise<void> {
  const { instanceModuleUrl, init } = workerData as WorkerStart;
  const calls = new ServerCalls(post);
  let instance: RequestModelInstance;
  try {
    const module = (await import(instanceModuleUrl)) as RequestInstanceModule;
    instance = await module.createModelInstance(init, calls);
  } catch (thrown) {
    post({ kind: "load-failed", failure: StatusError.from(thrown).toFailure() });
    port.close();
    process.exit(0);
  }
  const worker = new RequestWorker(instance, calls);
  port.on("message", worker.receive);
  post({ kind: "loaded", signature: instance.signature, completion: instance.completion });
}

await start();
