import { monotonicNowUs } from "../../server/core/clock.ts";
import { type Failure, failure, StatusError } from "../../server/core/status.ts";
import type { BatchSpec } from "../backend.ts";
import type { RequestModelInstance } from "../request-execution.ts";
import type { AnswerOutbox } from "./answer-outbox.ts";
import { ExecutingRequest, type RequestSurroundings } from "./executing-request.ts";
import type { ExecuteMessage } from "./request-protocol.ts";

/** What a runner is made of. */
export interface RequestRunnerParts {
  readonly instance: RequestModelInstance;
  readonly spec: BatchSpec;
  readonly isDecoupled: boolean;
  readonly outbox: AnswerOutbox;
  /** @see RequestSurroundings.poll */
  readonly poll: () => void;
}

const unanswered = failure("INTERNAL", "the model did not answer the request");

/** Runs batches of requests in the worker, one `execute` at a time, and knows the requests that are open. */
export class RequestRunner {
  readonly #instance: RequestModelInstance;
  readonly #outbox: AnswerOutbox;
  readonly #surroundings: RequestSurroundings;
  readonly #open = new Map<number, ExecutingRequest>();
  readonly #batches: ExecuteMessage[] = [];
  #isExecuting = false;
  #onIdle: (() => void) | null = null;

  constructor(parts: RequestRunnerParts) {
    const { spec, isDecoupled, outbox, poll } = parts;
    this.#instance = parts.instance;
    this.#outbox = outbox;
    this.#surroundings = {
      spec,
      isDecoupled,
      outbox,
      poll,
      onAnswered: (request) => {
        this.#open.delete(request.key);
        this.#tellIfIdle();
      },
    };
  }

  /** Takes a batch, and runs it when those before it have been executed. */
  run(batch: ExecuteMessage): void {
    this.#batches.push(batch);
    if (!this.#isExecuting) void this.#runAll();
  }

  /** The open request with this key, if it is still open. */
  request(key: number): ExecutingRequest | undefined {
    return this.#open.get(key);
  }

  /** Cancels all requests: the server has failed them already. */
  cancelAll(): void {
    for (const request of [...this.#open.values()]) request.cancel();
  }

  /** Resolves when nothing executes and no request is open. */
  idle(): Promise<void> {
    return new Promise((resolve) => {
      this.#onIdle = resolve;
      this.#tellIfIdle();
    });
  }

  #tellIfIdle(): void {
    if (!this.#isExecuting && this.#open.size === 0 && this.#batches.length === 0) this.#onIdle?.();
  }

  async #runAll(): Promise<void> {
    this.#isExecuting = true;
    for (let batch = this.#batches.shift(); batch !== undefined; batch = this.#batches.shift()) {
      const pending = this.#execute(batch);
      if (pending !== null) await pending;
    }
    this.#isExecuting = false;
    this.#tellIfIdle();
  }

  /** @returns A promise only when the model returned one: the answers of others leave in the same turn. */
  #execute(batch: ExecuteMessage): Promise<void> | null {
    const computeStartUs = monotonicNowUs();
    const requests = batch.requests.map(
      (message) => new ExecutingRequest(message, batch.buffers, this.#surroundings, computeStartUs),
    );
    const computeInputEndUs = monotonicNowUs();
    for (const request of requests) {
      request.markInputEnd(computeInputEndUs);
      this.#open.set(request.key, request);
    }
    const end = (failed: Failure | null): void => {
      this.#end(requests, failed, { computeStartUs, computeInputEndUs });
    };
    try {
      const result = this.#instance.execute(requests);
      if (result instanceof Promise) {
        return result.then(end, (thrown: unknown) => end(StatusError.from(thrown).toFailure()));
      }
      end(result);
    } catch (thrown) {
      end(StatusError.from(thrown).toFailure());
    }
    return null;
  }

  #end(
    requests: readonly ExecutingRequest[],
    failed: Failure | null,
    times: { readonly computeStartUs: number; readonly computeInputEndUs: number },
  ): void {
    const computeOutputStartUs = monotonicNowUs();
    let rows = 0;
    for (const request of requests) {
      rows += Math.max(1, request.batchSize);
      if (request.isDone) continue;
      if (failed !== null) void request.fail(failed, true);
      else if (!this.#surroundings.isDecoupled) void request.fail(unanswered, true);
    }
    const computeEndUs = monotonicNowUs();
    this.#outbox.flush({
      ...times,
      rows,
      hasSucceeded: failed === null,
      computeOutputStartUs,
      computeEndUs,
    });
  }
}
