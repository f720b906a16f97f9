import { randomUUID } from "node:crypto";
import { realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import process from "node:process";
import { Worker } from "node:worker_threads";
import { StatusError } from "../../core/status.ts";
import type { CloudScheme } from "./cloud-address.ts";
import type { CloudSettings } from "./cloud-settings.ts";
import type {
  FromMirrorThread,
  MirrorNames,
  MirrorNews,
  MirrorOutcome,
  MirrorThreadStart,
  ToMirrorThread,
} from "./mirror-protocol.ts";
import { modelsDirectory } from "./repository-mirror.ts";

type Reply = Extract<FromMirrorThread, { readonly id: number }>;

interface PendingCall {
  readonly resolve: (reply: Reply) => void;
  readonly reject: (error: StatusError) => void;
}

/**
 * Copies of repositories in the cloud, kept by a thread of their own. The directories are gone when it is closed, and
 * when the process exits without that.
 *
 * @remarks The thread starts with the first call and keeps the process alive only while it has something to do. When it
 * dies, the calls under way reject, and the next one starts another, which copies everything anew.
 */
export class MirrorThread {
  readonly #start: MirrorThreadStart;
  readonly #onNews: (news: MirrorNews) => void;
  readonly #pending = new Map<number, PendingCall>();
  readonly #removeAtExit = (): void => this.#remove();
  #worker: Worker | null = null;
  #lastId = 0;
  #isClosed = false;

  /**
   * @param addresses - Of repositories, each once.
   * @param onNews - Told what has been copied, and warnings of the SDKs.
   */
  constructor(addresses: readonly string[], settings: CloudSettings, onNews: (news: MirrorNews) => void) {
    const repositories = addresses.map((address) => ({
      address,
      directory: newDirectory(address, settings),
    }));
    this.#start = { repositories, settings };
    this.#onNews = onNews;
  }

  /** Where the models of each repository are copied to. */
  get directories(): ReadonlyMap<string, string> {
    return new Map(
      this.#start.repositories.map(({ address, directory }) => [address, modelsDirectory(directory)]),
    );
  }

  /**
   * Makes the copies what the repositories are now.
   *
   * @param names - Of these models only; `null`: of all.
   * @throws StatusError when the thread dies or is closed.
   */
  async refresh(names: readonly string[] | null): Promise<MirrorOutcome> {
    const reply = await this.#call((id) => ({ kind: "refresh", id, names }));
    if (reply.kind !== "refreshed")
      throw new Error("The mirror thread answered something else. This is a bug.");
    return reply.outcome;
  }

  /** The models of each repository, copied or not. @throws StatusError as {@link refresh}. */
  async list(): Promise<readonly MirrorNames[]> {
    const reply = await this.#call((id) => ({ kind: "list", id }));
    if (reply.kind !== "listed") throw new Error("The mirror thread answered something else. This is a bug.");
    return reply.names;
  }

  /** Ends the thread, and whatever it is doing. The copies stay until {@link close}. */
  async interrupt(): Promise<void> {
    this.#isClosed = true;
    const worker = this.#worker;
    this.#end("UNAVAILABLE", "Server is shutting down");
    await worker?.terminate();
  }

  /** Ends the thread and removes the copies. */
  async close(): Promise<void> {
    await this.interrupt();
    this.#remove();
    process.off("exit", this.#removeAtExit);
  }

  #call(message: (id: number) => ToMirrorThread): Promise<Reply> {
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
    const worker = new Worker(new URL("./mirror-thread-entry.js", import.meta.url), {
      workerData: this.#start,
      name: "repository-mirror",
    });
    let reason = "it ended";
    worker.on("error", (error) => (reason = StatusError.from(error).message));
    worker.once("exit", () => {
      if (this.#worker === worker) this.#end("INTERNAL", `the thread that copies models failed: ${reason}`);
    });
    worker.on("message", (message: FromMirrorThread) => this.#onMessage(message));
    worker.unref();
    process.off("exit", this.#removeAtExit);
    process.on("exit", this.#removeAtExit);
    this.#worker = worker;
    return worker;
  }

  #onMessage(message: FromMirrorThread): void {
    if (message.kind === "news") return this.#onNews(message.news);
    const call = this.#pending.get(message.id);
    this.#pending.delete(message.id);
    if (this.#pending.size === 0) this.#worker?.unref();
    call?.resolve(message);
  }

  #end(code: StatusError["code"], message: string): void {
    this.#worker = null;
    const error = new StatusError(code, message);
    for (const call of this.#pending.values()) call.reject(error);
    this.#pending.clear();
  }

  #remove(): void {
    for (const { directory } of this.#start.repositories) {
      // A thread that has not ended yet may still put a file there.
      rmSync(directory, { recursive: true, force: true, maxRetries: 3 });
    }
  }
}

/** A directory that nobody has yet, below the one that the settings name. */
function newDirectory(address: string, { mountDirectories }: CloudSettings): string {
  const mount = mountDirectories[address.slice(0, 2) as CloudScheme];
  const parent = mount === "" ? tmpdir() : path.resolve(mount);
  let real = parent;
  try {
    real = realpathSync(parent);
  } catch {
    // It does not exist, which is told when the copy is made.
  }
  return path.join(real, `nereid-mirror-${randomUUID()}`);
}
