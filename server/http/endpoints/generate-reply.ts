import type { InferenceRequest } from "../../core/inference-request.ts";
import type { InferenceResponse } from "../../core/inference-response.ts";
import { withRequestId } from "../../core/request-error.ts";
import type { Failure } from "../../core/status.ts";
import { isFailure } from "../../data-plane.ts";
import { httpStatusLine } from "../http-status.ts";
import { replyError, replyFailure } from "../json-reply.ts";
import type { HttpExchange } from "../transport/http-exchange.ts";
import type { GenerateContext, GenerateSink } from "./generate-context.ts";

const notOneResponse =
  "generate expects model to produce exactly 1 response, use generate_stream for a model that may produce any number of them";

/**
 * Replies to a generate request with its only response.
 *
 * @remarks
 * Whether it is the only one shows with the final call, which may come long after it: until then it is kept. A model that
 * gives none or a second one gets the client an error, under the status of the first one as in Triton, and is stopped.
 */
export class GenerateReply implements GenerateSink {
  readonly #exchange: HttpExchange;
  readonly #context: GenerateContext;
  #request: InferenceRequest | null = null;
  /** The first response as JSON, or the failure in its place. */
  #first: Uint8Array | Failure | null = null;
  #isReplied = false;

  constructor(exchange: HttpExchange, context: GenerateContext) {
    this.#exchange = exchange;
    this.#context = context;
  }

  begin(request: InferenceRequest): void {
    this.#request = request;
  }

  onResponse(response: InferenceResponse, isFinal: boolean): void {
    if (this.#first !== null) return this.#refuse();
    const encoded = this.#context.encode(response);
    this.#take(encoded, isFinal);
  }

  onFailure(cause: Failure, isFinal: boolean): void {
    if (this.#first !== null) return this.#refuse();
    this.#take(withRequestId(this.#request?.id ?? "", cause), isFinal);
  }

  onEnd(): void {
    if (this.#first === null) this.#refuse();
    else if (!this.#isReplied) this.#reply(this.#first);
  }

  #take(outcome: Uint8Array | Failure, isFinal: boolean): void {
    if (isFinal) this.#reply(outcome);
    else this.#first = isFailure(outcome) ? outcome : Buffer.from(outcome);
  }

  #reply(outcome: Uint8Array | Failure): void {
    this.#isReplied = true;
    if (isFailure(outcome)) replyFailure(this.#exchange, outcome);
    else this.#exchange.reply("", "application/json", outcome);
  }

  #refuse(): void {
    if (this.#isReplied) return;
    this.#isReplied = true;
    const { code } = this.#first !== null && isFailure(this.#first) ? this.#first : { code: null };
    replyError(this.#exchange, code === null ? "" : httpStatusLine[code], notOneResponse);
    this.#request?.cancel();
  }
}
