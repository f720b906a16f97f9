import type { SampledRequest } from "../tracing/sampled-request.ts";
import type {
  BodyReceiver,
  Cancellable,
  ReplyHeaders,
  WholeReplyExchange,
} from "./transport/http-exchange.ts";

/** An exchange that notes when its reply was written, and thereby ends the request's trace. */
export class TracedExchange implements WholeReplyExchange {
  readonly #exchange: WholeReplyExchange;
  readonly #sampled: SampledRequest;

  constructor(exchange: WholeReplyExchange, sampled: SampledRequest) {
    this.#exchange = exchange;
    this.#sampled = sampled;
  }

  header(lowerCaseName: string): string {
    return this.#exchange.header(lowerCaseName);
  }

  eachHeader(visit: (lowerCaseName: string, value: string) => void): void {
    this.#exchange.eachHeader(visit);
  }

  readBody(maxBytes: number, receiver: BodyReceiver): void {
    this.#exchange.readBody(maxBytes, receiver);
  }

  cancelWhenAborted(work: Cancellable): void {
    this.#exchange.cancelWhenAborted(work);
  }

  reply(statusLine: string, contentType: string, body: Uint8Array | string): void {
    this.#sampled.beginSending();
    this.#exchange.reply(statusLine, contentType, body);
    this.#sampled.endSending();
  }

  replyWithHeaders(statusLine: string, headers: ReplyHeaders, body: Uint8Array | string): void {
    this.#sampled.beginSending();
    this.#exchange.replyWithHeaders(statusLine, headers, body);
    this.#sampled.endSending();
  }

  replyBinaryTensors(headerBytes: number, body: Uint8Array): void {
    this.#sampled.beginSending();
    this.#exchange.replyBinaryTensors(headerBytes, body);
    this.#sampled.endSending();
  }

  replyLargeTensors(json: Uint8Array, tensors: readonly Uint8Array[], onRelease: () => void): void {
    this.#sampled.beginSending();
    this.#exchange.replyLargeTensors(json, tensors, () => {
      this.#sampled.endSending();
      onRelease();
    });
  }
}
