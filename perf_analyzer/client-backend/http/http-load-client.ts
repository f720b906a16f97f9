import type { Exchange, LoadClient, OutputTensor } from "../exchange.ts";
import type { Target } from "../target.ts";
import { HttpConnectionPool } from "./http-connection-pool.ts";
import { encodeHttpRequest, type HttpInferTemplate } from "./http-infer-template.ts";
import { decodeHttpOutputs } from "./http-outputs.ts";

/** What a thread needs to make load over HTTP. */
export interface HttpLoadPlan {
  readonly protocol: "http";
  readonly target: Target;
  /** Request line and constant headers. */
  readonly head: string;
  readonly templates: readonly HttpInferTemplate[];
  readonly keepsBodies: boolean;
}

/** Requests of the KServe v2 protocol over HTTP. */
export class HttpLoadClient implements LoadClient {
  readonly #plan: HttpLoadPlan;
  readonly #pool: HttpConnectionPool;
  /** Requests without anything that changes, whole. */
  readonly #encoded: readonly (readonly [Buffer])[];

  constructor(plan: HttpLoadPlan) {
    this.#plan = plan;
    this.#pool = new HttpConnectionPool(plan.target, plan.keepsBodies);
    this.#encoded = plan.templates.map((template) => [encodeHttpRequest(plan.head, template, null)]);
  }

  open(outstandingCount: number): Promise<void> {
    return this.#pool.open(outstandingCount);
  }

  send(exchange: Exchange, done: (exchange: Exchange) => void): void {
    const { templateIndex, sequence } = exchange;
    const encoded = this.#encoded[templateIndex];
    const template = this.#plan.templates[templateIndex];
    if (encoded === undefined || template === undefined) throw new Error("No such template. This is a bug.");
    const request = sequence === null ? encoded : [encodeHttpRequest(this.#plan.head, template, sequence)];
    this.#pool.send(exchange, request, done);
  }

  decodeOutputs(exchange: Exchange): readonly OutputTensor[] {
    return decodeHttpOutputs(exchange.body ?? new Uint8Array(0), exchange.jsonByteLength);
  }

  close(): void {
    this.#pool.close();
  }
}
