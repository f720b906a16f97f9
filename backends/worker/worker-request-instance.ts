import { monotonicNowUs } from "../../server/core/clock.ts";
import type { InferenceRequest } from "../../server/core/inference-request.ts";
import { type Failure, failure, StatusError } from "../../server/core/status.ts";
import type { ModelConfig } from "../../server/model-config/model-config.ts";
import type { BatchSpec, ModelInstanceInit, ModelSignature } from "../backend.ts";
import type { InstanceServer } from "../server-access.ts";
import { HostedCall } from "./hosted-call.ts";
import type { HostedInstance, InstanceListener } from "./hosted-instance.ts";
import { InstanceThread } from "./instance-thread.ts";
import { OpenRequest, type OpenRequestSurroundings } from "./open-request.ts";
import type { FromRequestWorker, ToRequestWorker } from "./request-protocol.ts";
import { packedBytes, TensorPacker } from "./tensor-packer.ts";

/** How long a model gets to release what it holds when it is unloaded, and when the server cannot wait. */
export interface FinalizeBudgets {
  readonly patientMs: number;
  readonly urgentMs: number;
}

const defaultBudgets: FinalizeBudgets = { patientMs: 10_000, urgentMs: 250 };

const givenUp = failure("UNAVAILABLE", "Model was ended before the request could finish");

/** What the worker says when its model has been loaded. */
type Loaded = Extract<FromRequestWorker, { kind: "loaded" }>;

/**
 * The main thread's end of a model instance that sees each request by itself. The counterpart in the worker is
 * request-worker-entry.ts.
 *
 * @remarks
 * It trusts the worker to keep the order of a request's answers, but not the model: a request that is unknown here has
 * been failed already, and what is still said about it is dropped.
 */
export class WorkerRequestInstance implements HostedInstance {
  readonly name: string;
  /**
   * No batch waits beside an instance: the one that runs may be waiting for a request of its own to the same model, which
   * must find its way to another instance.
   */
  readonly maxBatchesUnderWay = 1;
  readonly #thread: InstanceThread;
  readonly #loaded: Promise<Loaded>;
  readonly #server: InstanceServer;
  readonly #budgets: FinalizeBudgets;
  readonly #init: ModelInstanceInit;
  readonly #open = new Map<number, OpenRequest>();
  /** Keys of the requests that are being executed. */
  #executing: readonly number[] = [];
  readonly #calls = new Map<number, HostedCall>();
  #surroundings: OpenRequestSurroundings | null = null;
  #listener: InstanceListener | null = null;
  #lastKey = 0;
  #batchesUnderWay = 0;
  #isEnding = false;
  #isStopped = false;

  /** Starts the worker, which begins to load the model at once. */
  constructor(
    instanceModuleUrl: string,
    init: ModelInstanceInit,
    server: InstanceServer,
    budgets: FinalizeBudgets = defaultBudgets,
  ) {
    this.name = init.instanceName;
    this.#init = init;
    this.#server = server;
    this.#budgets = budgets;
    this.#thread = new InstanceThread(
      new URL("./request-worker-entry.js", import.meta.url),
      { instanceModuleUrl, init },
      {
        onMessage: (message) => this.#onMessage(message as FromRequestWorker),
        onExit: (reason) => this.#onExit(reason),
      },
    );
    this.#loaded = this.#step("loaded", "load-failed");
    // Whoever loads several instances may look at this one's failure after another's.
    this.#loaded.catch(() => undefined);
  }

  get batchesUnderWay(): number {
    return this.#batchesUnderWay;
  }

  async signature(): Promise<ModelSignature | null> {
    return (await this.#loaded).signature;
  }

  async completion(): Promise<object | null> {
    return (await this.#loaded).completion;
  }

  async bind(spec: BatchSpec, listener: InstanceListener, config: ModelConfig): Promise<void> {
    const { modelName, modelVersion } = this.#init;
    this.#surroundings = {
      identity: { modelName, modelVersion },
      isDecoupled: config.isDecoupled,
      post: (message) => this.#post(message),
    };
    const bound = this.#step("bound", "bind-failed");
    this.#post({ kind: "bind", spec, config });
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

  execute(batch: InferenceRequest[]): void {
    const surroundings = this.#surroundings;
    if (surroundings === null) throw new Error("execute before bind. This is a bug.");
    // Fillers mean something only where requests are rows of a batch.
    const requests = batch.filter((request) => !request.isFiller);
    const firstKey = this.#lastKey + 1;
    const opened = requests.map((request) => {
      const open = new OpenRequest(++this.#lastKey, request, surroundings);
      this.#open.set(this.#lastKey, open);
      return open;
    });
    this.#executing = opened.map((_open, i) => firstKey + i);
    this.#batchesUnderWay++;
    const packer = new TensorPacker(requests.reduce((sum, request) => sum + packedBytes(request.inputs), 0));
    const messages = opened.map((open) => open.toMessage(packer));
    const buffers = packer.take();
    this.#thread.send({ kind: "execute", requests: messages, buffers } satisfies ToRequestWorker, buffers);
  }

  async finalize(): Promise<void> {
    if (!this.#isEnding) {
      this.#isEnding = true;
      this.#post({ kind: "finalize", isUrgent: false });
    }
    await this.#thread.exited;
    const { error } = this.#thread;
    if (error !== null) throw new StatusError("INTERNAL", `instance '${this.name}': ${error}`);
    if (this.#isStopped) {
      throw new StatusError(
        "INTERNAL",
        `instance '${this.name}': its model did not release its resources within ${this.#budgets.patientMs} ms and was stopped`,
      );
    }
  }

  /**
   * @remarks The worker is asked to end and, when it does not, stopped: a model's own code may run for ever, and unlike a
   * native runtime it can be stopped anywhere.
   */
  async terminate(): Promise<void> {
    this.#failOpen(givenUp);
    this.#isEnding = true;
    this.#post({ kind: "finalize", isUrgent: true });
    const timer = setTimeout(() => this.#thread.stop(), this.#budgets.urgentMs);
    await this.#thread.exited;
    clearTimeout(timer);
  }

  #post(message: ToRequestWorker): void {
    this.#thread.send(message, message.kind === "call-answer" ? buffersOf(message) : []);
  }

  #step<K extends FromRequestWorker["kind"]>(
    done: K,
    failedKind: "load-failed" | "bind-failed",
  ): Promise<Extract<FromRequestWorker, { kind: K }>> {
    return this.#thread.step((received) => {
      const message = received as FromRequestWorker;
      if (message.kind === done) return message as Extract<FromRequestWorker, { kind: K }>;
      if (message.kind !== failedKind) return null;
      const { failure: cause } = message as Extract<FromRequestWorker, { kind: "load-failed" }>;
      return new StatusError(cause.code, cause.message);
    });
  }

  #onMessage(message: FromRequestWorker): void {
    switch (message.kind) {
      case "answers":
        this.#onAnswers(message);
        break;
      case "log":
        this.#server.log(message.severity, this.name, message.message);
        break;
      case "call": {
        const call = new HostedCall(
          message,
          (answer) => this.#post(answer),
          () => this.#calls.delete(message.call),
        );
        this.#calls.set(message.call, call);
        call.start(this.#server, message);
        break;
      }
      case "call-cancel":
        this.#calls.get(message.call)?.abandon();
        break;
      case "call-taken":
        this.#calls.get(message.call)?.responseTaken();
        break;
      case "finalizing": {
        const timer = setTimeout(() => {
          this.#isStopped = true;
          this.#thread.stop();
        }, this.#budgets.patientMs);
        void this.#thread.exited.then(() => clearTimeout(timer));
        break;
      }
      default:
        // Answers to steps are taken by the steps. Anything else was posted by the model itself.
        break;
    }
  }

  #onAnswers({ answers, buffers, executed }: Extract<FromRequestWorker, { kind: "answers" }>): void {
    // The next batch may be handed over while this one's answers are told.
    const executing = this.#executing;
    if (executed !== null) {
      this.#executing = [];
      this.#batchesUnderWay--;
      this.#listener?.onBatchEnd(this, executed.rows, executed, executed.hasSucceeded);
    }
    for (const answer of answers) {
      const open = this.#open.get(answer.key);
      if (open === undefined) continue;
      if (answer.isFinal) this.#open.delete(answer.key);
      const index = open.request.responseCount;
      const outcome = open.answer(answer, buffers);
      if (this.#surroundings?.isDecoupled === true && outcome !== null)
        this.#listener?.onResponse(index, outcome, answer.times);
    }
    if (executed !== null) for (const key of executing) this.#open.get(key)?.request.hold();
  }

  #onExit(reason: string): void {
    const wasHolding = this.#open.size > 0;
    this.#batchesUnderWay = 0;
    this.#failOpen(failure("INTERNAL", reason));
    for (const call of [...this.#calls.values()]) call.abandon();
    this.#calls.clear();
    if (this.#isEnding && !wasHolding) return;
    this.#isEnding = true;
    const listener = this.#listener;
    this.#listener = null;
    listener?.onCrash(this, reason);
  }

  #failOpen(failed: Failure): void {
    const nowUs = monotonicNowUs();
    for (const open of [...this.#open.values()]) open.fail(failed, nowUs);
    this.#open.clear();
  }
}

function buffersOf({ content }: Extract<ToRequestWorker, { kind: "call-answer" }>): readonly ArrayBuffer[] {
  return content.kind === "response" ? content.buffers : [];
}
