import { Worker } from "node:worker_threads";
import { StatusError } from "../../core/status.ts";
import type { FoundModel } from "./find-models.ts";
import type { FromScanThread, ScanThreadStart, ToScanThread, UnreadableRepository } from "./scan-protocol.ts";

/** All models of all repositories, as one scan found them. */
export interface ThreadScan {
  readonly models: readonly FoundModel[];
  readonly unreadable: readonly UnreadableRepository[];
}

type Reply = Extract<FromScanThread, { readonly id: number }>;

interface PendingCall {
  readonly resolve: (reply: Reply) => void;
  readonly reject: (error: StatusError) => void;
}

/**
 * Looks at repositories in a thread of its own, so that a thousand directories, or a disk that does not answer, keep
 * nobody waiting. The thread keeps what it has told and tells only what has changed.
 *
 * @remarks It lives until {@link close} and keeps the process alive only while it has something to do. When it dies, the calls under way reject and
 * the next one starts another.
 */
export class ScanThread {
  readonly #repositories: readonly string[];
  readonly #onChange: (() => void) | null;
  #worker: Worker | null = null;
  /** What the thread has told, by directory. */
  #models = new Map<string, FoundModel>();
  readonly #pending = new Map<number, PendingCall>();
  #lastId = 0;
  #isClosed = false;

  /** @param onChange - Something in a repository has changed, where the file system tells of it; `null`: do not watch. */
  constructor(repositories: readonly string[], onChange: (() => void) | null) {
    this.#repositories = repositories;
    this.#onChange = onChange;
  }

  /** Starts the thread before the first call. */
  start(): void {
    this.#running();
  }

  /** @throws StatusError when the thread dies or is closed. */
  async scan(): Promise<ThreadScan> {
    const reply = await this.#call((id) => ({ kind: "scan", id }));
    if (reply.kind !== "scanned") throw new Error("The scan thread answered something else. This is a bug.");
    for (const directory of reply.gone) this.#models.delete(directory);
    return { models: [...this.#models.values()], unreadable: reply.unreadable };
  }

  /** @throws StatusError when a repository cannot be read, or the thread dies or is closed. */
  async find(name: string, repositories: readonly string[]): Promise<readonly FoundModel[]> {
    const reply = await this.#call((id) => ({ kind: "find", id, name, repositories }));
    if (reply.kind !== "found") throw new Error("The scan thread answered something else. This is a bug.");
    if ("code" in reply.found) throw new StatusError(reply.found.code, reply.found.message);
    return reply.found;
  }

  close(): void {
    this.#isClosed = true;
    void this.#worker?.terminate();
    this.#end("it was closed");
  }

  #call(message: (id: number) => ToScanThread): Promise<Reply> {
    if (this.#isClosed) return Promise.reject(new StatusError("UNAVAILABLE", "Server is shutting down"));
    const id = ++this.#lastId;
    return new Promise((resolve, reject) => {
      this.#pending.set(id, { resolve, reject });
      const worker = this.#running();
      worker.ref();
      worker.postMessage(message(id));
    });
  }

  #running(): Worker {
    if (this.#worker !== null) return this.#worker;
    const start: ScanThreadStart = { repositories: this.#repositories };
    const worker = new Worker(new URL("./scan-thread-entry.js", import.meta.url), {
      workerData: start,
      name: "repository-scan",
    });
    let reason = "it ended";
    worker.on("error", (error) => (reason = StatusError.from(error).message));
    worker.once("exit", () => {
      if (this.#worker === worker) this.#end(reason);
    });
    worker.on("message", (message: FromScanThread) => this.#onMessage(message));
    worker.unref();
    if (this.#onChange !== null) worker.postMessage({ kind: "watch" } satisfies ToScanThread);
    this.#worker = worker;
    return worker;
  }

  #onMessage(message: FromScanThread): void {
    switch (message.kind) {
      case "models":
        for (const model of message.models) this.#models.set(model.directory, model);
        break;
      case "changed":
        this.#onChange?.();
        break;
      case "scanned":
      case "found": {
        const call = this.#pending.get(message.id);
        this.#pending.delete(message.id);
        if (this.#pending.size === 0) this.#worker?.unref();
        call?.resolve(message);
        break;
      }
    }
  }

  /** What the next thread tells is everything. */
  #end(reason: string): void {
    this.#worker = null;
    this.#models = new Map();
    const error = new StatusError(
      "INTERNAL",
      `the thread that looks at model repositories failed: ${reason}`,
    );
    for (const call of this.#pending.values()) call.reject(error);
    this.#pending.clear();
  }
}
