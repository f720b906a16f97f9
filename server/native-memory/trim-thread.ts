import process from "node:process";
import { Worker } from "node:worker_threads";

/** What the thread itself needs is next to nothing; without a bound V8 sets aside tens of megabytes for it. */
const resourceLimits = { maxYoungGenerationSizeMb: 1, maxOldGenerationSizeMb: 16 };

/**
 * Gives memory that is free inside the process back to the system, in a thread of its own. The thread starts with the
 * first call and ends with {@link close}, or when it finds that this system has no such call.
 *
 * @remarks Only glibc on Linux has one. Elsewhere nothing is started, or nothing stays.
 */
export class TrimThread {
  #worker: Worker | null = null;
  #isOver = process.platform !== "linux";

  /** @param onAnswer - Told of each trim that has ended, and whether this system can. */
  trim(onAnswer: (canTrim: boolean) => void = () => undefined): void {
    if (this.#isOver) {
      onAnswer(false);
      return;
    }
    const worker = (this.#worker ??= this.#start());
    worker.once("message", (canTrim: boolean) => {
      if (!canTrim) this.close();
      onAnswer(canTrim);
    });
    worker.postMessage(null);
  }

  close(): void {
    this.#isOver = true;
    void this.#worker?.terminate();
    this.#worker = null;
  }

  #start(): Worker {
    const worker = new Worker(new URL("./trim-thread-entry.js", import.meta.url), {
      name: "memory-trim",
      resourceLimits,
    });
    // Memory that is not given back is no reason to disturb anybody.
    worker.on("error", () => this.close());
    worker.unref();
    return worker;
  }
}
