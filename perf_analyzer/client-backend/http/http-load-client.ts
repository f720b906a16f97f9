import { monotonicNowUs } from "../../clock.ts";
import type { DecodedResponse, Exchange, LoadClient } from "../exchange.ts";
import type { SharedOutputReader } from "../../shared-memory/shared-output-reader.ts";
import type { Target } from "../target.ts";
import { HttpConnection } from "./http-connection.ts";
import { encodeHttpRequest, type HttpInferTemplate } from "./http-infer-template.ts";
import { decodeHttpOutputs } from "./http-outputs.ts";
import { describeHttpError } from "./http-server-client.ts";

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

/** One connection per outstanding request, kept open. */
export class HttpLoadClient implements LoadClient {
  readonly #plan: HttpLoadPlan;
  readonly #sharedOutputs: SharedOutputReader | null;
  /** Requests without anything that changes, whole. */
  readonly #encoded: readonly (readonly [Buffer])[];
  #idle: HttpConnection[] = [];
  readonly #all = new Set<HttpConnection>();

  /** @param sharedOutputs - Where outputs are, other than in the responses; `null`: nowhere. */
  constructor(plan: HttpLoadPlan, sharedOutputs: SharedOutputReader | null) {
    this.#plan = plan;
    this.#sharedOutputs = sharedOutputs;
    this.#encoded = plan.templates.map((template) => [encodeHttpRequest(plan.head, template, null)]);
  }

  async open(outstandingCount: number): Promise<void> {
    while (this.#all.size < outstandingCount) this.#idle.push(await this.#connect());
  }

  send(exchange: Exchange, done: (exchange: Exchange) => void): void {
    exchange.sendStartUs = monotonicNowUs();
    const connection = this.#idle.pop();
    if (connection !== undefined) {
      this.#sendOn(connection, exchange, done);
      return;
    }
    this.#connect().then(
      (opened) => this.#sendOn(opened, exchange, done),
      (error: unknown) => {
        exchange.error = error instanceof Error ? error.message : String(error);
        exchange.endUs = monotonicNowUs();
        done(exchange);
      },
    );
  }

  decodeResponses({ body, endUs, jsonByteLength, laneIndex }: Exchange): readonly DecodedResponse[] {
    const findShared = this.#sharedOutputs?.lane(laneIndex) ?? null;
    return [
      { atUs: endUs, outputs: decodeHttpOutputs(body ?? new Uint8Array(0), jsonByteLength, findShared) },
    ];
  }

  close(): void {
    for (const connection of this.#all) connection.close();
    this.#all.clear();
    this.#idle = [];
  }

  async #connect(): Promise<HttpConnection> {
    const connection = new HttpConnection(this.#plan.target, this.#plan.keepsBodies);
    this.#all.add(connection);
    await connection.open();
    return connection;
  }

  #sendOn(connection: HttpConnection, exchange: Exchange, done: (exchange: Exchange) => void): void {
    const { sequence } = exchange;
    const templateIndex = exchange.contentIndex * this.#plan.laneCount + exchange.laneIndex;
    const encoded = this.#encoded[templateIndex];
    const template = this.#plan.templates[templateIndex];
    if (encoded === undefined || template === undefined) throw new Error("No such template. This is a bug.");
    const request = sequence === null ? encoded : [encodeHttpRequest(this.#plan.head, template, sequence)];
    connection.send(request, (reply, error) => {
      if (connection.isOpen) this.#idle.push(connection);
      else this.#all.delete(connection);
      if (reply === null) {
        exchange.error = error;
        exchange.endUs = monotonicNowUs();
      } else {
        exchange.sendEndUs = reply.sendEndUs;
        exchange.receiveStartUs = reply.receiveStartUs;
        exchange.endUs = reply.endUs;
        exchange.firstResponseUs = reply.endUs;
        exchange.responseCount = 1;
        if (reply.head.status === 200) {
          exchange.body = reply.body;
          exchange.jsonByteLength = reply.head.jsonByteLength ?? reply.body?.byteLength ?? 0;
        } else {
          exchange.error = describeHttpError(reply);
        }
      }
      done(exchange);
    });
  }
}
