import { monotonicNowUs } from "../../clock.ts";
import type { DecodedResponse, Exchange, LoadClient } from "../exchange.ts";
import type { SharedOutputReader } from "../../shared-memory/shared-output-reader.ts";
import { GrpcConnection } from "./grpc-connection.ts";
import { frameMessage, framePrefix, type GrpcCompression } from "./grpc-frame.ts";
import { streamRequestFields } from "./grpc-infer-template.ts";
import {
  callsPerConnection,
  compressionHeaders,
  decodeGrpcOutputs,
  type GrpcLoadPlan,
} from "./grpc-load-client.ts";
import { callHeaders } from "./grpc-server-client.ts";
import type { GrpcStream, GrpcStreamListener } from "./grpc-stream.ts";
import { readStreamResponseHead } from "./grpc-stream-response.ts";

/**
 * Requests as messages of ModelStreamInfer calls. Each slot has a stream of its own, so that the requests of a sequence
 * arrive in their order.
 */
export class GrpcStreamLoadClient implements LoadClient {
  readonly #plan: GrpcLoadPlan;
  readonly #sharedOutputs: SharedOutputReader | null;
  readonly #headers: Readonly<Record<string, string>>;
  readonly #connections: GrpcConnection[] = [];
  readonly #streams = new Map<number, InferStream>();
  #requestCount = 0;

  /** @param sharedOutputs - Where outputs are, other than in the responses; `null`: nowhere. */
  constructor(plan: GrpcLoadPlan, sharedOutputs: SharedOutputReader | null) {
    this.#plan = plan;
    this.#sharedOutputs = sharedOutputs;
    this.#headers = {
      ...callHeaders("ModelStreamInfer", plan.metadata),
      ...compressionHeaders(plan.compression),
    };
  }

  async open(outstandingCount: number): Promise<void> {
    const wanted = Math.ceil(outstandingCount / callsPerConnection);
    while (this.#connections.length < wanted) {
      const connection = new GrpcConnection(this.#plan.target);
      await connection.open();
      this.#connections.push(connection);
    }
  }

  send(exchange: Exchange, done: (exchange: Exchange) => void): void {
    exchange.sendStartUs = monotonicNowUs();
    const { templates, laneCount } = this.#plan;
    const template = templates[exchange.contentIndex * laneCount + exchange.laneIndex];
    if (template === undefined) throw new Error("No such template. This is a bug.");
    const id = String(this.#requestCount++);
    const frame = frameParts(template, streamRequestFields(id, exchange.sequence), this.#plan.compression);
    this.#streamOf(exchange.slotIndex).send({ id, exchange, done }, frame);
  }

  decodeResponses(exchange: Exchange): readonly DecodedResponse[] {
    const findShared = this.#sharedOutputs?.lane(exchange.laneIndex) ?? null;
    return exchange.responses.map(({ atUs, body }) => ({
      atUs,
      outputs: decodeGrpcOutputs(body, findShared),
    }));
  }

  close(): void {
    for (const connection of this.#connections) connection.close();
  }

  #streamOf(slot: number): InferStream {
    const known = this.#streams.get(slot);
    if (known?.isEnded === false) return known;
    const connection = this.#connections[slot % this.#connections.length];
    if (connection === undefined) throw new Error("No connection is open. This is a bug.");
    const stream = new InferStream(this.#plan);
    stream.open(connection, this.#headers);
    this.#streams.set(slot, stream);
    return stream;
  }
}

/**
 * The message as it travels. Fields of protobuf come in any order: those that change lie before the template, which is
 * never copied.
 */
function frameParts(template: Uint8Array, fields: Uint8Array, compression: GrpcCompression): Uint8Array[] {
  if (compression !== "none") return [frameMessage(Buffer.concat([fields, template]), compression)];
  const prefix = framePrefix(fields.byteLength + template.byteLength);
  return [Buffer.concat([prefix, fields]), template];
}

/** A request that waits for its last response. */
interface OutstandingRequest {
  readonly id: string;
  readonly exchange: Exchange;
  readonly done: (exchange: Exchange) => void;
}

/** One ModelStreamInfer call and the requests on it. */
class InferStream implements GrpcStreamListener {
  isEnded = false;
  readonly #plan: GrpcLoadPlan;
  #stream: GrpcStream | null = null;
  /** By id, the oldest first. */
  readonly #outstanding = new Map<string, OutstandingRequest>();

  constructor(plan: GrpcLoadPlan) {
    this.#plan = plan;
  }

  open(connection: GrpcConnection, headers: Readonly<Record<string, string>>): void {
    this.#stream = connection.openStream(headers, this);
  }

  send(request: OutstandingRequest, frame: readonly Uint8Array[]): void {
    this.#outstanding.set(request.id, request);
    this.#stream?.send(frame, () => (request.exchange.sendEndUs = monotonicNowUs()));
  }

  onMessage(message: Buffer, atUs: number): void {
    const { error, id, isFinal, hasOutputs, response } = readStreamResponseHead(message);
    // A server that leaves the id out answers in order. What comes for a request that has failed is too late.
    const request = id === "" ? this.#oldest() : this.#outstanding.get(id);
    if (request === undefined) return;
    const { exchange } = request;
    if (error !== "") {
      exchange.error = error;
      this.#finish(request, atUs);
      return;
    }
    // Only the end of a request comes without outputs: it is no response.
    if (hasOutputs || isFinal !== true) {
      if (exchange.responseCount++ === 0) exchange.firstResponseUs = atUs;
      exchange.endUs = atUs;
      if (this.#plan.keepsBodies) exchange.responses.push({ atUs, body: response });
      exchange.onResponse?.(exchange);
    }
    if (isFinal ?? !this.#plan.isDecoupled) this.#finish(request, atUs);
  }

  onEnd(reason: string): void {
    this.isEnded = true;
    const nowUs = monotonicNowUs();
    for (const request of [...this.#outstanding.values()]) {
      request.exchange.error = reason;
      this.#finish(request, nowUs);
    }
  }

  #oldest(): OutstandingRequest | undefined {
    for (const request of this.#outstanding.values()) return request;
    return undefined;
  }

  #finish({ id, exchange, done }: OutstandingRequest, atUs: number): void {
    this.#outstanding.delete(id);
    if (exchange.endUs === 0) exchange.endUs = atUs;
    const firstUs = exchange.responseCount === 0 ? exchange.endUs : exchange.firstResponseUs;
    // The system may confirm the write after the response has come.
    exchange.sendEndUs = exchange.sendEndUs === 0 ? firstUs : Math.min(exchange.sendEndUs, firstUs);
    // A message is handed over whole: when its first byte came is not known.
    exchange.receiveStartUs = exchange.endUs;
    done(exchange);
  }
}
