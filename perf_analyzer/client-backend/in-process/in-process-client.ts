import { Worker } from "node:worker_threads";
import { PerfError } from "../../exit-code.ts";
import type { LoadAnswer, LoadCommand, LoadPlan } from "../../load-manager/load-plan.ts";
import type { LoadThread } from "../../load-manager/load-thread.ts";
import { type JsonObject, objectOf } from "../json-access.ts";
import { refuseExtension, type ServerClient, ServerRefusal } from "../server-client.ts";
import type { InProcessReply, InProcessRequest, ModelQuestion } from "./in-process-message.ts";

const entry = new URL("./in-process-worker.js", import.meta.url);

/** A request without its number. */
type Unnumbered<R> = R extends { readonly id: number } ? Omit<R, "id"> : never;

interface Waiting {
  readonly resolve: (reply: InProcessReply) => void;
  readonly reject: (error: Error) => void;
}

/** The embedded server as the main thread sees it: asked about models, and told to load itself. */
export class InProcessClient implements ServerClient {
  readonly #worker: Worker;
  readonly #waiting = new Map<number, Waiting>();
  #nextId = 0;
  #death: Error | null = null;

  constructor(modelRepository: string, modelName: string) {
    this.#worker = new Worker(entry, { workerData: { modelRepository, modelName } });
    this.#worker.on("message", (reply: InProcessReply) => {
      const waiting = this.#waiting.get(reply.id);
      this.#waiting.delete(reply.id);
      if (reply.error === null) waiting?.resolve(reply);
      else
        waiting?.reject(reply.isRefusal ? new ServerRefusal(reply.error, false) : new PerfError(reply.error));
    });
    this.#worker.on("error", (error) => this.#die(error));
    this.#worker.on("exit", () =>
      this.#die(new Error("The embedded server's thread has ended. This is a bug.")),
    );
  }

  async isModelReady(name: string, version: string): Promise<boolean> {
    return (await this.#ask({ about: "ready", name, version }))["ready"] === true;
  }

  modelMetadata(name: string, version: string): Promise<JsonObject> {
    return this.#ask({ about: "metadata", name, version });
  }

  modelConfig(name: string, version: string): Promise<JsonObject> {
    return this.#ask({ about: "config", name, version });
  }

  modelStatistics(name: string, version: string): Promise<JsonObject> {
    return this.#ask({ about: "statistics", name, version });
  }

  registerSystemSharedMemory(): Promise<void> {
    return refuseExtension();
  }

  unregisterSystemSharedMemory(): Promise<void> {
    return refuseExtension();
  }

  updateTraceSettings(): Promise<void> {
    return refuseExtension();
  }

  /** The load that the thread makes for the server inside it. There is one at a time. */
  startThread(plan: LoadPlan): LoadThread {
    const ready = this.#send({ kind: "plan", plan });
    // The first command tells.
    ready.catch(() => undefined);
    return {
      ask: async (command: LoadCommand): Promise<LoadAnswer | null> => {
        await ready;
        return (await this.#send({ kind: "command", command })).answer;
      },
      // The thread lives on for the server: it is asked for statistics until the end.
      close: () => Promise.resolve(),
    };
  }

  /** Stops the server. Never rejects. */
  async close(): Promise<void> {
    await this.#send({ kind: "stop" }).catch(() => undefined);
    this.#worker.removeAllListeners("exit");
    await this.#worker.terminate();
  }

  async #ask(question: ModelQuestion): Promise<JsonObject> {
    return objectOf((await this.#send({ kind: "question", question })).fields);
  }

  #send(request: Unnumbered<InProcessRequest>): Promise<InProcessReply> {
    const death = this.#death;
    if (death !== null) return Promise.reject(death);
    const id = this.#nextId++;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      this.#worker.postMessage({ ...request, id });
    });
  }

  #die(error: Error): void {
    this.#death ??= error;
    for (const { reject } of this.#waiting.values()) reject(error);
    this.#waiting.clear();
  }
}
