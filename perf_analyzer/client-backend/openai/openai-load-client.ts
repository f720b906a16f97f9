import { monotonicNowUs } from "../../clock.ts";
import { lengthPrefixed } from "../../infer-data/element-codec.ts";
import type { Exchange, LoadClient, OutputTensor } from "../exchange.ts";
import { HttpConnectionPool } from "../http/http-connection-pool.ts";
import type { HttpResponseHead } from "../http/http-response-head.ts";
import type { Target } from "../target.ts";
import { type CompletionEvent, readCompletionEvent } from "./completion-event.ts";
import { EventStreamReader } from "./event-stream-reader.ts";

/** What a thread needs to ask for completions. */
export interface OpenaiLoadPlan {
  readonly protocol: "openai";
  readonly target: Target;
  /** Whole requests, head and body. */
  readonly requests: readonly Uint8Array[];
  readonly keepsBodies: boolean;
}

/** The only output: the body of a response. */
export const completionOutputName = "response";

/** Completions over HTTP. Whether one is streamed is the server's to say: by its content type. */
export class OpenaiLoadClient implements LoadClient {
  readonly #pool: HttpConnectionPool;
  readonly #requests: readonly (readonly [Uint8Array])[];
  /** Of streamed responses that are still coming. */
  readonly #streams = new WeakMap<Exchange, EventStreamReader>();
  #done: ((exchange: Exchange) => void) | null = null;
  readonly #onDone = (exchange: Exchange): void => this.#finish(exchange);

  constructor(plan: OpenaiLoadPlan) {
    this.#pool = new HttpConnectionPool(plan.target, plan.keepsBodies, (exchange, bytes, head) =>
      this.#onBodyPart(exchange, bytes, head),
    );
    this.#requests = plan.requests.map((request) => [request]);
  }

  open(outstandingCount: number): Promise<void> {
    return this.#pool.open(outstandingCount);
  }

  send(exchange: Exchange, done: (exchange: Exchange) => void): void {
    const request = this.#requests[exchange.templateIndex];
    if (request === undefined) throw new Error("No such request. This is a bug.");
    // The same for all requests of a loop, and a client has one loop at a time.
    this.#done = done;
    this.#pool.send(exchange, request, this.#onDone);
  }

  decodeOutputs({ body }: Exchange): readonly OutputTensor[] {
    const data = Buffer.concat(lengthPrefixed(body ?? new Uint8Array(0)));
    return [{ name: completionOutputName, datatype: "BYTES", shape: [1], data }];
  }

  close(): void {
    this.#pool.close();
  }

  #onBodyPart(exchange: Exchange, bytes: Buffer, head: HttpResponseHead): void {
    if (!head.isEventStream) return;
    let reader = this.#streams.get(exchange);
    if (reader === undefined) {
      exchange.isStreamed = true;
      reader = new EventStreamReader((data) => noteEvent(exchange, readCompletionEvent(data)));
      this.#streams.set(exchange, reader);
    }
    reader.push(bytes);
  }

  #finish(exchange: Exchange): void {
    this.#streams.delete(exchange);
    if (exchange.error === null && !exchange.isStreamed) {
      exchange.responseCount = 1;
      exchange.firstResponseUs = exchange.endUs;
    }
    this.#done?.(exchange);
  }
}

function noteEvent(exchange: Exchange, event: CompletionEvent): void {
  if (event.kind === "error") {
    exchange.error ??= event.message;
  } else if (event.kind === "token") {
    if (exchange.responseCount++ === 0) exchange.firstResponseUs = monotonicNowUs();
    exchange.lastResponseUs = monotonicNowUs();
  }
}
