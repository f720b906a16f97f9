import { Worker } from "node:worker_threads";
import { PerfError } from "../exit-code.ts";
import type { LoadAnswer, LoadCommand, LoadPlan } from "./load-plan.ts";

/** What a thread answers to a command. */
interface Reply {
  readonly answer?: LoadAnswer | null;
  readonly error?: string;
}

const entry = new URL("../load-worker-entry.js", import.meta.url);

/** A thread that makes load, as the main thread sees it. */
export interface LoadThread {
  /** Rejects when the server cannot be reached, or the thread has died. */
  ask(command: LoadCommand): Promise<LoadAnswer | null>;
  close(): Promise<void>;
}

/** One that makes load over the network. Commands are answered one after the other. */
export class LoadWorkerThread implements LoadThread {
  readonly #worker: Worker;
  #waiting: { resolve: (answer: LoadAnswer | null) => void; reject: (error: Error) => void }[] = [];
  #death: Error | null = null;

  constructor(plan: LoadPlan) {
    this.#worker = new Worker(entry, { workerData: plan });
    this.#worker.on("message", (reply: Reply) => {
      const waiting = this.#waiting.shift();
      if (reply.error === undefined) waiting?.resolve(reply.answer ?? null);
      else waiting?.reject(new PerfError(reply.error));
    });
    this.#worker.on("error", (error) => this.#die(error));
    this.#worker.on("exit", () => this.#die(new Error("A load thread has ended. This is a bug.")));
  }

  ask(command: LoadCommand): Promise<LoadAnswer | null> {
    const death = this.#death;
    if (death !== null) return Promise.reject(death);
    return new Promise((resolve, reject) => {
      this.#waiting.push({ resolve, reject });
      this.#worker.postMessage(command);
    });
  }

  async close(): Promise<void> {
    this.#worker.removeAllListeners("exit");
    await this.#worker.terminate();
  }

  #die(error: Error): void {
    this.#death ??= error;
    for (const { reject } of this.#waiting.splice(0)) reject(error);
  }
}
