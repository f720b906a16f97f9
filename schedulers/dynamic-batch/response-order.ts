import { FixedQueue } from "../../server/core/fixed-queue.ts";
import type { InferenceRequest, ResponseSink } from "../../server/core/inference-request.ts";
import type { InferenceResponse } from "../../server/core/inference-response.ts";
import type { Failure } from "../../server/core/status.ts";

/** What a held-back request was given: a response, a failure, or nothing more than its end. */
interface HeldOutcome {
  readonly response: InferenceResponse | null;
  readonly failure: Failure | null;
  readonly isFinal: boolean;
}

/**
 * Makes the responses of a model leave in the order in which its requests arrived, whatever instance was faster:
 * failures, timeouts and cancellations too.
 *
 * ```
 *   arrival order:   [a: running] [b: held response] [c: running] [d: held failure]
 *   a answers     →  a and b leave; c's next response leaves as it comes; d waits for c
 * ```
 *
 * @see contract §6.4, `preserve_ordering`
 */
export class ResponseOrder {
  readonly #turns = new FixedQueue<OrderedSink>(64);

  /** Gives a request its place in the order. Call once, when it has been accepted. */
  add(request: InferenceRequest): void {
    const sink = new OrderedSink(request.sink, this);
    request.sink = sink;
    this.#turns.push(sink);
  }

  /** Whether everything that arrived before this request has been answered. */
  isFirst(sink: ResponseSink): boolean {
    return this.#turns.peek() === sink;
  }

  /** @internal The first request has been answered: lets out what waited for it. */
  advance(): void {
    this.#turns.shift();
    for (let sink = this.#turns.peek(); sink?.release() === true; sink = this.#turns.peek()) {
      this.#turns.shift();
    }
  }
}

/** Stands between a request and its real sink, and holds back what comes before its turn. */
class OrderedSink implements ResponseSink {
  readonly #sink: ResponseSink;
  readonly #order: ResponseOrder;
  readonly #held: HeldOutcome[] = [];

  constructor(sink: ResponseSink, order: ResponseOrder) {
    this.#sink = sink;
    this.#order = order;
  }

  onResponse(response: InferenceResponse, isFinal: boolean): void {
    if (!this.#order.isFirst(this)) {
      // The memory behind it is reused as soon as this returns.
      response.retain();
      this.#held.push({ response, failure: null, isFinal });
      return;
    }
    this.#sink.onResponse(response, isFinal);
    if (isFinal) this.#order.advance();
  }

  onFailure(failure: Failure, isFinal: boolean): void {
    if (!this.#order.isFirst(this)) {
      this.#held.push({ response: null, failure, isFinal });
      return;
    }
    this.#sink.onFailure(failure, isFinal);
    if (isFinal) this.#order.advance();
  }

  onEnd(): void {
    if (!this.#order.isFirst(this)) {
      this.#held.push({ response: null, failure: null, isFinal: true });
      return;
    }
    this.#sink.onEnd();
    this.#order.advance();
  }

  /** It is this request's turn. @returns Whether that was all: its final call was among what was held. */
  release(): boolean {
    let isDone = false;
    for (const { response, failure, isFinal } of this.#held.splice(0)) {
      isDone = isFinal;
      if (response !== null) this.#sink.onResponse(response, isFinal);
      else if (failure !== null) this.#sink.onFailure(failure, isFinal);
      else this.#sink.onEnd();
    }
    return isDone;
  }
}
