import { FixedQueue } from "../../core/fixed-queue.ts";
import type { InferenceRequest } from "../../core/inference-request.ts";
import type { InferenceResponse } from "../../core/inference-response.ts";
import { withRequestId } from "../../core/request-error.ts";
import type { Failure } from "../../core/status.ts";
import { isFailure } from "../../data-plane.ts";
import { errorBody, replyFailure } from "../json-reply.ts";
import type { HttpExchange, StreamedReply } from "../transport/http-exchange.ts";
import type { GenerateContext, GenerateSink } from "./generate-context.ts";

/** Responses that may wait for a slow client before the model is made to wait. */
const responseWindow = 16;

/**
 * Replies to a generate request with a server-sent event for each of its responses, as soon as it is there.
 *
 * @remarks
 * The first one decides about the status: a failure becomes an ordinary error reply, and the model is stopped. Later
 * failures are events. What the socket does not take waits here, and the model with it: see
 * {@link InferenceRequest.responseWindow}.
 */
export class GenerateEventStream implements GenerateSink {
  readonly #exchange: HttpExchange;
  readonly #context: GenerateContext;
  #request: InferenceRequest | null = null;
  #reply: StreamedReply | null = null;
  /** The first response was a failure, which has been sent. */
  #isRefused = false;
  /** The socket has not taken the last event yet. */
  #isBlocked = false;
  #hasEnded = false;
  /** Events behind that one. */
  readonly #waiting = new FixedQueue<Uint8Array>();

  constructor(exchange: HttpExchange, context: GenerateContext) {
    this.#exchange = exchange;
    this.#context = context;
  }

  begin(request: InferenceRequest): void {
    this.#request = request;
    request.responseWindow = responseWindow;
  }

  onResponse(response: InferenceResponse, isFinal: boolean): void {
    if (this.#isOver()) return;
    const event = this.#context.encode(response, "data: ", "\n\n");
    if (isFailure(event)) this.#fail(event, isFinal);
    else this.#send(event, isFinal);
  }

  onFailure(cause: Failure, isFinal: boolean): void {
    if (!this.#isOver()) this.#fail(withRequestId(this.#request?.id ?? "", cause), isFinal);
  }

  onEnd(): void {
    if (!this.#isOver()) this.#end();
  }

  /** Nobody reads what comes now. */
  #isOver(): boolean {
    return this.#isRefused || this.#request?.isCancelled === true;
  }

  #fail(cause: Failure, isFinal: boolean): void {
    if (this.#reply !== null) {
      this.#send(Buffer.from(`data: ${errorBody(cause.message)}\n\n`), isFinal);
      return;
    }
    this.#isRefused = true;
    replyFailure(this.#exchange, cause);
    if (!isFinal) this.#request?.cancel();
  }

  /** @param event - Copied if it has to wait. */
  #send(event: Uint8Array, isFinal: boolean): void {
    if (this.#isBlocked) this.#waiting.push(Buffer.from(event));
    else this.#write(event);
    if (isFinal) this.#end();
  }

  /** Returns whether the socket takes another one. */
  #write(event: Uint8Array): boolean {
    this.#isBlocked = !this.#open().write(event);
    if (!this.#isBlocked) this.#request?.responseWritten();
    return !this.#isBlocked;
  }

  #onDrained(): void {
    this.#isBlocked = false;
    this.#request?.responseWritten();
    let event = this.#waiting.shift();
    while (event !== undefined && this.#write(event)) event = this.#waiting.shift();
    if (this.#hasEnded) this.#end();
  }

  /** Ends the reply, now or behind what waits. */
  #end(): void {
    this.#hasEnded = true;
    if (!this.#isBlocked) this.#open().end();
  }

  #open(): StreamedReply {
    this.#reply ??= this.#exchange.startReply("text/event-stream; charset=utf-8", () => this.#onDrained());
    return this.#reply;
  }
}
