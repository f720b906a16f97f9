import { Worker } from "node:worker_threads";
import { FixedQueue } from "../../core/fixed-queue.ts";
import { type Failure, failure, StatusError } from "../../core/status.ts";
import type { Cancellable } from "../transport/http-exchange.ts";
import type { CodecAnswers, CodecOperation, CodecQuestions } from "./codec-operations.ts";
import type { CodecCall, CodecReply } from "./codec-thread-protocol.ts";

/** One that it works on, and one beside it so that it need not wait for this thread. The rest can still be cancelled. */
const maxCallsUnderWay = 2;

const closed = failure("UNAVAILABLE", "Server is shutting down");
const internalError = failure("INTERNAL", "internal error");
const crashed = failure(
  "INTERNAL",
  "the thread that reads and writes large JSON ended unexpectedly while it held this request",
);

class CodecTask implements Cancellable {
  readonly call: CodecCall;
  readonly transfer: readonly ArrayBuffer[];
  /** `null`: nobody waits for the outcome any more. */
  #done: ((reply: CodecReply) => void) | null;
  readonly #waiting: FixedQueue<CodecTask>;

  constructor(
    call: CodecCall,
    transfer: readonly ArrayBuffer[],
    waiting: FixedQueue<CodecTask>,
    done: (reply: CodecReply) => void,
  ) {
    this.call = call;
    this.transfer = transfer;
    this.#waiting = waiting;
    this.#done = done;
  }

  /** Tells the outcome, unless it has been told or nobody waits for it. */
  end(reply: CodecReply): void {
    const done = this.#done;
    this.#done = null;
    done?.(reply);
  }

  cancel(): void {
    this.#done = null;
    this.#waiting.remove(this);
  }
}

/**
 * Encodes and decodes large messages in a thread of its own, so that megabytes of JSON do not keep the event loop from
 * other requests. The thread starts with the first call, lives until {@link close}, and is replaced when it dies.
 *
 * @remarks Bytes are moved to it and back, not copied. Calls are done in the order in which they were made, one at a
 * time. A call that waits is dropped when it is cancelled; the outcome of one that has begun is.
 */
export class CodecThread {
  readonly #onBug: (thrown: unknown) => void;
  readonly #entry: URL;
  readonly #waiting = new FixedQueue<CodecTask>();
  readonly #underWay = new FixedQueue<CodecTask>(maxCallsUnderWay);
  #worker: Worker | null = null;
  #isClosed = false;

  /**
   * @param onBug - Told what was thrown that should not have been, and why a thread died; the caller gets INTERNAL.
   * @param entry - What the thread runs.
   */
  constructor(
    onBug: (thrown: unknown) => void,
    entry: URL = new URL("./codec-thread-entry.js", import.meta.url),
  ) {
    this.#onBug = onBug;
    this.#entry = entry;
  }

  /** Calls that have been made, have not ended and were not dropped. */
  get pendingCount(): number {
    return this.#waiting.length + this.#underWay.length;
  }

  /**
   * Has an operation done.
   *
   * @param transfer - Memory of the question that moves to the thread; the caller must not touch it any more.
   * @param done - Called in a later turn, once, unless the call is cancelled before: with the answer; with what a
   * StatusError said; with INTERNAL for anything else and when the thread died of it; with UNAVAILABLE after
   * {@link close}. Must not throw.
   * @returns To be cancelled when nobody waits for the answer any more.
   */
  run<Name extends CodecOperation>(
    operation: Name,
    question: CodecQuestions[Name],
    transfer: readonly ArrayBuffer[],
    done: (outcome: CodecAnswers[Name] | Failure) => void,
  ): Cancellable {
    const task = new CodecTask({ operation, question }, transfer, this.#waiting, (reply) => {
      if (reply.kind === "answer") {
        done(reply.answer as CodecAnswers[Name]);
      } else if (reply.kind === "failure") {
        done(reply.failure);
      } else {
        this.#onBug(reply.thrown);
        done(internalError);
      }
    });
    if (this.#isClosed) {
      setImmediate(() => task.end({ kind: "failure", failure: closed }));
      return task;
    }
    this.#waiting.push(task);
    this.#sendMore();
    return task;
  }

  /** Ends the thread. Whatever it has not answered fails with UNAVAILABLE before this returns, as do later calls. */
  close(): void {
    this.#isClosed = true;
    const worker = this.#worker;
    this.#worker = null;
    void worker?.terminate();
    this.#endAll(this.#underWay, { kind: "failure", failure: closed });
    this.#endAll(this.#waiting, { kind: "failure", failure: closed });
  }

  #sendMore(): void {
    while (this.#underWay.length < maxCallsUnderWay) {
      const task = this.#waiting.shift();
      if (task === undefined) break;
      try {
        const worker = (this.#worker ??= this.#start());
        // Only a thread that holds something keeps the process alive.
        worker.ref();
        worker.postMessage(task.call, task.transfer);
        this.#underWay.push(task);
      } catch (thrown) {
        // No thread could be started, or no memory for the message.
        setImmediate(() => task.end({ kind: "bug", thrown }));
      }
    }
    if (this.#underWay.length === 0) this.#worker?.unref();
  }

  #start(): Worker {
    const worker = new Worker(this.#entry, { name: "codec" });
    let cause: unknown = null;
    worker.on("message", (reply: CodecReply) => {
      if (worker === this.#worker) this.#onReply(reply);
    });
    worker.on("messageerror", (error) => {
      if (worker === this.#worker) this.#onReply({ kind: "bug", thrown: error });
    });
    // "exit" follows, after the answers that it had still given.
    worker.on("error", (error) => (cause = error));
    worker.on("exit", (code) => {
      if (worker === this.#worker) this.#onCrash(cause ?? new Error(`exit code ${code}`));
    });
    return worker;
  }

  #onReply(reply: CodecReply): void {
    const task = this.#underWay.shift();
    if (task === undefined) throw new Error("The codec thread answered unasked. This is a bug.");
    // It goes on while this thread uses the answer.
    this.#sendMore();
    task.end(reply);
  }

  #onCrash(cause: unknown): void {
    this.#worker = null;
    this.#onBug(new StatusError("INTERNAL", "The thread for large JSON ended unexpectedly", { cause }));
    this.#endAll(this.#underWay, { kind: "failure", failure: crashed });
    this.#sendMore();
  }

  #endAll(tasks: FixedQueue<CodecTask>, reply: CodecReply): void {
    for (let task = tasks.shift(); task !== undefined; task = tasks.shift()) task.end(reply);
  }
}
