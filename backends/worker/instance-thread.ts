import { Worker } from "node:worker_threads";
import { StatusError } from "../../server/core/status.ts";
import type { WorkerStart } from "./worker-protocol.ts";

/** Hears what comes out of an {@link InstanceThread}. */
export interface InstanceThreadListener {
  /** A message that no step was waiting for. */
  onMessage(message: unknown): void;
  /** The thread has ended, asked to or not; nothing comes any more. `reason` is for people. */
  onExit(reason: string): void;
}

/**
 * The worker thread of one model instance, seen from the main thread: its start, its end, and the steps of its life that
 * are waited for one at a time. What runs inside, and what the messages mean, is its owner's.
 */
export class InstanceThread {
  readonly name: string;
  /** Resolves when the thread has ended. */
  readonly exited: Promise<void>;
  readonly #worker: Worker;
  readonly #listener: InstanceThreadListener;
  #error: string | null = null;
  #offerToStep: ((message: unknown) => boolean) | null = null;
  #failStep: ((error: StatusError) => void) | null = null;

  /** Starts the thread, which begins to load the model at once. */
  constructor(entry: URL, start: WorkerStart, listener: InstanceThreadListener) {
    this.name = start.init.instanceName;
    this.#listener = listener;
    this.#worker = new Worker(entry, { workerData: start, name: this.name });
    this.exited = new Promise((resolve) => {
      this.#worker.once("exit", (code) => {
        this.#onExit(this.#error ?? `worker exited with code ${code}`);
        resolve();
      });
    });
    // "exit" follows, after the messages that the worker posted before it died: what it still answered must not be
    // failed here.
    this.#worker.on("error", (error) => (this.#error = StatusError.from(error).message));
    this.#worker.on("message", (message: unknown) => {
      if (this.#offerToStep?.(message) !== true) this.#listener.onMessage(message);
    });
  }

  /** What it died of, if it threw. */
  get error(): string | null {
    return this.#error;
  }

  send(message: unknown, transferred: readonly ArrayBuffer[] = []): void {
    this.#worker.postMessage(message, transferred);
  }

  /**
   * Waits for the message that ends a step. One step at a time.
   *
   * @param pick - Takes what the step gives out of its message, a StatusError when it failed, or `null` for a message of
   * another kind.
   * @returns Rejects with a StatusError when the step failed or the thread ended.
   */
  step<T>(pick: (message: unknown) => T | StatusError | null): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      this.#failStep = reject;
      this.#offerToStep = (message) => {
        const picked = pick(message);
        if (picked === null) return false;
        this.#offerToStep = null;
        this.#failStep = null;
        if (picked instanceof StatusError) reject(picked);
        else resolve(picked);
        return true;
      };
    });
  }

  /** Stops the thread where it is. Not for threads that may be inside a native runtime: see WorkerModelInstance. */
  stop(): void {
    void this.#worker.terminate();
  }

  #onExit(cause: string): void {
    const reason = `instance '${this.name}' ended unexpectedly: ${cause}`;
    this.#failStep?.(new StatusError("INTERNAL", reason));
    this.#offerToStep = null;
    this.#failStep = null;
    this.#listener.onExit(reason);
  }
}
