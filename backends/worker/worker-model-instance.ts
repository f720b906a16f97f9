import type { BatchTimes } from "../../server/core/batch-times.ts";
import { monotonicNowUs } from "../../server/core/clock.ts";
import { FixedQueue } from "../../server/core/fixed-queue.ts";
import type { InferenceRequest } from "../../server/core/inference-request.ts";
import { type Failure, failure, StatusError } from "../../server/core/status.ts";
import type { BatchSpec, ModelInstanceInit, ModelSignature } from "../backend.ts";
import { FrameHeader, FrameLayout } from "./batch-frame.ts";
import { FramePool } from "./frame-pool.ts";
import { gatherBatch } from "./gather.ts";
import { checkOutputs, type ModelIdentity, scatterBatch } from "./scatter.ts";
import type { HostedInstance, InstanceListener } from "./hosted-instance.ts";
import { InstanceThread } from "./instance-thread.ts";
import type { FromWorker, ToWorker } from "./worker-protocol.ts";

/** One batch at the worker and one beside it, waiting. */
export const maxBatchesPerInstance = 2;

const givenUp = failure("UNAVAILABLE", "Model was ended before the request could finish");

interface BatchUnderWay {
  readonly batch: InferenceRequest[];
}

/**
 * The main thread's end of a model instance: the instance itself runs in a worker thread of its own.
 *
 * Life: {@link start} → {@link bind} → {@link execute} … → {@link finalize}.
 */
export class WorkerModelInstance implements HostedInstance {
  readonly name: string;
  readonly maxBatchesUnderWay = maxBatchesPerInstance;
  readonly #thread: InstanceThread;
  readonly #signature: Promise<ModelSignature>;
  readonly #underWay = new FixedQueue<BatchUnderWay>(maxBatchesPerInstance);
  readonly #frames = new FramePool(maxBatchesPerInstance + 1);
  #layout: FrameLayout | null = null;
  #identity: ModelIdentity;
  #listener: InstanceListener | null = null;
  #isEnding = false;
  /** Its requests have been failed: what the worker still answers is of no use to anybody. */
  #isGivenUp = false;

  /** Starts the worker, which begins to load the model at once. */
  constructor(instanceModuleUrl: string, init: ModelInstanceInit) {
    this.name = init.instanceName;
    this.#identity = { modelName: init.modelName, modelVersion: init.modelVersion };
    this.#thread = new InstanceThread(
      new URL("./worker-entry.js", import.meta.url),
      { instanceModuleUrl, init },
      {
        onMessage: (message) => this.#onMessage(message as ArrayBuffer | FromWorker),
        onExit: (reason) => this.#onExit(reason),
      },
    );
    this.#signature = this.#thread.step<ModelSignature>((received) => {
      const message = received as FromWorker;
      if (message.kind === "loaded") return message.signature;
      if (message.kind === "load-failed")
        return new StatusError(message.failure.code, message.failure.message);
      return null;
    });
    // Whoever loads several instances may look at this one's failure after another's.
    this.#signature.catch(() => undefined);
  }

  /** Batches handed over and not ended, 0 to {@link maxBatchesPerInstance}. */
  get batchesUnderWay(): number {
    return this.#underWay.length;
  }

  /** What the model file declares, when it has been loaded. Rejects with a StatusError when it could not be. */
  signature(): Promise<ModelSignature> {
    return this.#signature;
  }

  /** Frames say nothing beyond the signature. */
  completion(): Promise<null> {
    return Promise.resolve(null);
  }

  /**
   * Fixes what batches look like. After it resolves, {@link execute} may be called. When the worker dies before that,
   * it rejects, and the listener hears nothing.
   */
  async bind(spec: BatchSpec, listener: InstanceListener): Promise<void> {
    this.#layout = new FrameLayout(spec);
    const bound = this.#thread.step<true>((message) =>
      (message as FromWorker).kind === "bound" ? true : null,
    );
    this.#send({ kind: "bind", spec });
    await bound;
    // The worker's last messages and its end may arrive together.
    if (this.#isEnding) {
      throw new StatusError(
        "INTERNAL",
        `instance '${this.name}' ended as soon as it was bound: ${this.#thread.error ?? "given up"}`,
      );
    }
    this.#listener = listener;
  }

  /**
   * Runs a batch. Takes ownership of the requests; each is answered exactly once, never before this returns.
   * At most {@link maxBatchesPerInstance} at a time.
   */
  execute(batch: InferenceRequest[]): void {
    if (this.#layout === null) throw new Error("execute before bind. This is a bug.");
    let header: FrameHeader;
    try {
      header = gatherBatch(batch, this.#layout, this.#frames);
    } catch (thrown) {
      // Only the allocation of the frame can fail: a batch that is too large must not end the server.
      const failed = failure(
        "INTERNAL",
        `no memory for a batch of ${batch.length} request(s): ${StatusError.from(thrown).message}`,
      );
      queueMicrotask(() => {
        for (const request of batch) request.fail(failed);
      });
      return;
    }
    this.#underWay.push({ batch });
    this.#thread.send(header.buffer, [header.buffer]);
  }

  /**
   * Lets the batches under way end, releases the model and ends the worker.
   *
   * @throws StatusError INTERNAL when the instance could not release its model; its worker has ended all the same.
   */
  async finalize(): Promise<void> {
    this.#end();
    await this.#thread.exited;
    const { error } = this.#thread;
    if (error !== null) throw new StatusError("INTERNAL", `instance '${this.name}': ${error}`);
  }

  /**
   * Gives the instance up, for failed loads and the end of the exit timeout: what it holds fails before this returns.
   *
   * @remarks The worker is asked to end, not stopped: stopping a thread inside the runtime takes the whole process with
   * it, because the native code throws when it finds no engine to give its result to.
   * @returns Resolves when the worker has ended, which may be as late as the runtime's current call.
   */
  async terminate(): Promise<void> {
    this.#isGivenUp = true;
    this.#failUnderWay(givenUp);
    this.#end();
    await this.#thread.exited;
  }

  /** Asks the worker to end, once. */
  #end(): void {
    if (this.#isEnding) return;
    this.#isEnding = true;
    // The frames go along and are freed with the worker: here they would wait for the next collection of old objects.
    this.#thread.send({ kind: "finalize" } satisfies ToWorker, this.#frames.takeAll());
  }

  #send(message: ToWorker): void {
    this.#thread.send(message);
  }

  #onMessage(message: ArrayBuffer | FromWorker): void {
    if (message instanceof ArrayBuffer) this.#onBatchEnd(message, null);
    else if (message.kind === "batch-failed") this.#onBatchEnd(message.frame, message.failure);
  }

  #onBatchEnd(frame: ArrayBuffer, reported: Failure | null): void {
    if (this.#isGivenUp) return;
    const ended = this.#underWay.shift();
    if (ended === undefined || this.#layout === null)
      throw new Error("A frame came back unasked. This is a bug.");
    const header = new FrameHeader(this.#layout, frame);
    setTimes(ended.batch, header);
    const failed = reported ?? checkOutputs(ended.batch, header, this.#layout);
    this.#listener?.onBatchEnd(this, header.rows, header, failed === null);
    if (failed !== null) {
      for (const request of ended.batch) request.fail(failed);
      this.#frames.give(frame);
    } else {
      scatterBatch(ended.batch, header, this.#layout, this.#identity, this.#frames);
    }
  }

  #onExit(reason: string): void {
    const wasUnderWay = this.#underWay.length;
    this.#failUnderWay(failure("INTERNAL", reason));
    if (this.#isEnding && wasUnderWay === 0) return;
    this.#isEnding = true;
    const listener = this.#listener;
    this.#listener = null;
    listener?.onCrash(this, reason);
  }

  #failUnderWay(failed: Failure): void {
    const nowUs = monotonicNowUs();
    for (let ended = this.#underWay.shift(); ended !== undefined; ended = this.#underWay.shift()) {
      for (const request of ended.batch) {
        request.computeEndUs = nowUs;
        request.fail(failed);
      }
    }
  }
}

/** Every request is charged the whole batch's compute times. */
function setTimes(batch: readonly InferenceRequest[], times: BatchTimes): void {
  for (const request of batch) {
    request.computeStartUs = times.computeStartUs;
    request.computeInputEndUs = times.computeInputEndUs;
    request.computeOutputStartUs = times.computeOutputStartUs;
    request.computeEndUs = times.computeEndUs;
  }
}
