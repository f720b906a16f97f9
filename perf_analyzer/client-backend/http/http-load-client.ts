import type { DecodedResponse, Exchange, LoadClient } from "../exchange.ts";
import type { SharedOutputReader } from "../../shared-memory/shared-output-reader.ts";
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
  /** One for each lane of each content, those of a content together. */
  readonly templates: readonly HttpInferTemplate[];
  readonly laneCount: number;
  readonly keepsBodies: boolean;
}

/** Requests of the KServe v2 protocol over HTTP. */
export class HttpLoadClient implements LoadClient {
  readonly #plan: HttpLoadPlan;
  readonly #pool: HttpConnectionPool;
  readonly #sharedOutputs: SharedOutputReader | null;
  /** Requests without anything that changes, whole. */
  readonly #encoded: readonly (readonly [Buffer])[];

  /** @param sharedOutputs - Where outputs are, other than in the responses; `null`: nowhere. */
  constructor(plan: HttpLoadPlan, sharedOutputs: SharedOutputReader | null) {
    this.#plan = plan;
    this.#sharedOutputs = sharedOutputs;
    this.#pool = new HttpConnectionPool(plan.target, plan.keepsBodies);
    this.#encoded = plan.templates.map((template) => [encodeHttpRequest(plan.head, template, null)]);
  }

  open(outstandingCount: number): Promise<void> {
    return this.#pool.open(outstandingCount);
  }

  send(exchange: Exchange, done: (exchange: Exchange) => void): void {
    const { sequence } = exchange;
    const templateIndex = exchange.contentIndex * this.#plan.laneCount + exchange.laneIndex;
    const encoded = this.#encoded[templateIndex];
    const template = this.#plan.templates[templateIndex];
    if (encoded === undefined || template === undefined) throw new Error("No such template. This is a bug.");
    const request = sequence === null ? encoded : [encodeHttpRequest(this.#plan.head, template, sequence)];
    this.#pool.send(exchange, request, done);
  }

  decodeResponses({ body, endUs, jsonByteLength, laneIndex }: Exchange): readonly DecodedResponse[] {
    const findShared = this.#sharedOutputs?.lane(laneIndex) ?? null;
    return [
      { atUs: endUs, outputs: decodeHttpOutputs(body ?? new Uint8Array(0), jsonByteLength, findShared) },
    ];
  }

  close(): void {
    this.#pool.close();
  }
}
