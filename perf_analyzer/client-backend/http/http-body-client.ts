import type { DecodedResponse, Exchange, LoadClient } from "../exchange.ts";
import type { Target } from "../target.ts";
import { type BodyFormat, decodeBody } from "./body-format.ts";
import { HttpConnectionPool } from "./http-connection-pool.ts";

/** What a thread needs to post bodies that never change, to servers of other protocols than KServe's. */
export interface HttpBodyPlan {
  readonly protocol: "http body";
  readonly target: Target;
  /** Whole requests, head and body. */
  readonly requests: readonly Uint8Array[];
  /** How responses are read. */
  readonly format: BodyFormat;
  /** 1: there is no shared memory. */
  readonly laneCount: number;
  readonly keepsBodies: boolean;
}

/** Posts bodies. */
export class HttpBodyClient implements LoadClient {
  readonly #format: BodyFormat;
  readonly #pool: HttpConnectionPool;
  readonly #requests: readonly (readonly [Uint8Array])[];

  constructor(plan: HttpBodyPlan) {
    this.#format = plan.format;
    this.#pool = new HttpConnectionPool(plan.target, plan.keepsBodies);
    this.#requests = plan.requests.map((request) => [request]);
  }

  open(outstandingCount: number): Promise<void> {
    return this.#pool.open(outstandingCount);
  }

  send(exchange: Exchange, done: (exchange: Exchange) => void): void {
    const request = this.#requests[exchange.contentIndex];
    if (request === undefined) throw new Error("No such request. This is a bug.");
    this.#pool.send(exchange, request, done);
  }

  decodeResponses({ body, endUs }: Exchange): readonly DecodedResponse[] {
    return [{ atUs: endUs, outputs: decodeBody(this.#format, body ?? new Uint8Array(0)) }];
  }

  close(): void {
    this.#pool.close();
  }
}

/**
 * A whole POST request.
 *
 * @param headers - Each line with its end.
 */
export function encodePost(path: string, headers: string, body: Uint8Array): Buffer {
  const head = `POST ${path} HTTP/1.1\r\n${headers}Content-Length: ${body.byteLength}\r\n\r\n`;
  return Buffer.concat([Buffer.from(head, "latin1"), body]);
}
