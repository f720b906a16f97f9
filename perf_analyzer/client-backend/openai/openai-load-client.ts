import { monotonicNowUs } from "../../clock.ts";
import { lengthPrefixed } from "../../infer-data/element-codec.ts";
import type { DecodedResponse, Exchange, LoadClient } from "../exchange.ts";
import { HttpConnectionPool } from "../http/http-connection-pool.ts";
import type { HttpResponseHead } from "../http/http-response-head.ts";
import type { Target } from "../target.ts";
import { readCompletionEvent } from "./completion-event.ts";
import { EventStreamReader } from "./event-stream-reader.ts";

/** What a thread needs to ask for completions. */
export interface OpenaiLoadPlan {
  readonly protocol: "openai";
  readonly target: Target;
  /** Whole requests, head and body. */
  readonly requests: readonly Uint8Array[];
  /** 1: there is no shared memory. */
  readonly laneCount: number;
  readonly keepsBodies: boolean;
}

/** The only output: the body of a response. */
export const completionOutputName = "response";

/** Completions over HTTP. Whether one is streamed is the server's to say: by its content type. */
export class OpenaiLoadClient implements LoadClient {
  readonly #keepsBodies: boolean;
  readonly #pool: HttpConnectionPool;
  readonly #requests: readonly (readonly [Uint8Array])[];
  /** Of streamed responses that are still coming. */
  readonly #streams = new WeakMap<Exchange, EventStreamReader>();
  #done: ((exchange: Exchange) => void) | null = null;
  readonly #onDone = (exchange: Exchange): void => this.#finish(exchange);

  constructor(plan: OpenaiLoadPlan) {
    this.#keepsBodies = plan.keepsBodies;
    this.#pool = new HttpConnectionPool(plan.target, plan.keepsBodies, (exchange, bytes, head) =>
      this.#onBodyPart(exchange, bytes, head),
    );
    this.#requests = plan.requests.map((request) => [request]);
  }

  open(outstandingCount: number): Promise<void> {
    return this.#pool.open(outstandingCount);
  }

  send(exchange: Exchange, done: (exchange: Exchange) => void): void {
    const request = this.#requests[exchange.contentIndex];
    if (request === undefined) throw new Error("No such request. This is a bug.");
    // The same for all requests of a loop, and a client has one loop at a time.
    this.#done = done;
    this.#pool.send(exchange, request, this.#onDone);
  }

  decodeResponses({ isStreamed, responses, body, endUs }: Exchange): readonly DecodedResponse[] {
    const bodies = isStreamed ? responses : [{ atUs: endUs, body: body ?? new Uint8Array(0) }];
    return bodies.map((each) => {
      const data = Buffer.concat(lengthPrefixed(each.body));
      return {
        atUs: each.atUs,
        outputs: [{ name: completionOutputName, datatype: "BYTES", shape: [1], data }],
      };
    });
  }

  close(): void {
    this.#pool.close();
  }

  #onBodyPart(exchange: Exchange, bytes: Buffer, head: HttpResponseHead): void {
    if (!head.isEventStream) return;
    let reader = this.#streams.get(exchange);
    if (reader === undefined) {
      exchange.isStreamed = true;
      reader = new EventStreamReader((data) => this.#onEvent(exchange, data));
      this.#streams.set(exchange, reader);
    }
    reader.push(bytes);
  }

  #onEvent(exchange: Exchange, data: string): void {
    const nowUs = monotonicNowUs();
    const event = readCompletionEvent(data);
    if (event.kind === "error") {
      exchange.error ??= event.message;
    } else if (event.kind === "token") {
      if (exchange.responseCount++ === 0) exchange.firstResponseUs = nowUs;
      exchange.lastResponseUs = nowUs;
    }
    if (this.#keepsBodies && event.kind !== "end") {
      exchange.responses.push({ atUs: nowUs, body: Buffer.from(data) });
    }
  }

  #finish(exchange: Exchange): void {
    this.#streams.delete(exchange);
    this.#done?.(exchange);
  }
}
