import { monotonicNowUs } from "../../clock.ts";
import type { HeaderOption } from "../../options/analyzer-options.ts";
import type { DecodedResponse, Exchange, LoadClient, OutputTensor } from "../exchange.ts";
import { arrayOf, numberOf, objectOf, textOf } from "../json-access.ts";
import type { FindSharedOutput, SharedOutputReader } from "../../shared-memory/shared-output-reader.ts";
import type { HeaderField } from "../h2/codec/hpack-static-table.ts";
import { RepeatedHeaderBlock } from "../h2/codec/repeated-header-block.ts";
import { H2Connection } from "../h2/h2-connection.ts";
import { authorityOf, type Target } from "../target.ts";
import { decodePredictOutputs } from "../tfserving/tensor-message.ts";
import { GrpcExchangeSink } from "./grpc-exchange-sink.ts";
import { frameMessage, type GrpcCompression } from "./grpc-frame.ts";
import { withSequence } from "./grpc-infer-template.ts";
import { decodeToJson } from "./grpc-messages.ts";
import { GrpcResponseHeadReader } from "./grpc-response-head.ts";

/** What a thread needs to make load over gRPC. */
export interface GrpcLoadPlan {
  readonly protocol: "grpc";
  readonly target: Target;
  /** Of the method. */
  readonly path: string;
  readonly metadata: readonly HeaderOption[];
  readonly compression: GrpcCompression;
  /** Messages without their prefix: one for each lane of each content, those of a content together. */
  readonly templates: readonly Uint8Array[];
  /** Whose responses are read: KServe's or TensorFlow Serving's. */
  readonly protocolOfResponses: "kserve" | "tfserving";
  readonly laneCount: number;
  readonly keepsBodies: boolean;
  /** Whether requests are messages of ModelStreamInfer instead of calls of ModelInfer. */
  readonly isStreaming: boolean;
  /** Whether a request may have any number of responses. */
  readonly isDecoupled: boolean;
}

/** Calls that share a connection: with many more, one TCP stream would be the limit. */
export const callsPerConnection = 16;

/** Headers that tell how messages are compressed, and may be. */
export function compressionHeaders(compression: GrpcCompression): Record<string, string> {
  return compression === "none"
    ? {}
    : { "grpc-encoding": compression, "grpc-accept-encoding": `identity,${compression}` };
}

/** Unary calls on a few HTTP/2 connections. */
export class GrpcLoadClient implements LoadClient {
  readonly #plan: GrpcLoadPlan;
  readonly #sharedOutputs: SharedOutputReader | null;
  readonly #headers: RepeatedHeaderBlock;
  readonly #heads = new GrpcResponseHeadReader();
  readonly #frames: readonly Buffer[];
  readonly #connections: H2Connection[] = [];

  /** @param sharedOutputs - Where outputs are, other than in the responses; `null`: nowhere. */
  constructor(plan: GrpcLoadPlan, sharedOutputs: SharedOutputReader | null) {
    this.#plan = plan;
    this.#sharedOutputs = sharedOutputs;
    this.#headers = new RepeatedHeaderBlock(requestFields(plan));
    this.#frames = plan.templates.map((template) => frameMessage(template, plan.compression));
  }

  async open(outstandingCount: number): Promise<void> {
    const wanted = Math.ceil(outstandingCount / callsPerConnection);
    while (this.#connections.length < wanted) {
      const connection = new H2Connection(this.#plan.target, this.#headers);
      await connection.open();
      this.#connections.push(connection);
    }
  }

  send(exchange: Exchange, done: (exchange: Exchange) => void): void {
    const { sequence } = exchange;
    const templateIndex = exchange.contentIndex * this.#plan.laneCount + exchange.laneIndex;
    exchange.sendStartUs = monotonicNowUs();
    const connection = this.#leastLoaded();
    const template = this.#plan.templates[templateIndex];
    const encoded = this.#frames[templateIndex];
    if (template === undefined || encoded === undefined) throw new Error("No such template. This is a bug.");
    const frame =
      sequence === null ? encoded : frameMessage(withSequence(template, sequence), this.#plan.compression);
    connection.request(frame, new GrpcExchangeSink(exchange, done, this.#heads, this.#plan.keepsBodies));
  }

  decodeResponses({ body, endUs, laneIndex }: Exchange): readonly DecodedResponse[] {
    const bytes = body ?? new Uint8Array(0);
    const findShared = this.#sharedOutputs?.lane(laneIndex) ?? null;
    const isKserve = this.#plan.protocolOfResponses === "kserve";
    return [
      { atUs: endUs, outputs: isKserve ? decodeGrpcOutputs(bytes, findShared) : decodePredictOutputs(bytes) },
    ];
  }

  close(): void {
    for (const connection of this.#connections) connection.close();
  }

  #leastLoaded(): H2Connection {
    const connections = this.#connections;
    let best = connections[0];
    if (best === undefined) throw new Error("No connection is open. This is a bug.");
    for (let i = 1; i < connections.length; i++) {
      const other = connections[i];
      if (other !== undefined && other.outstandingCount < best.outstandingCount) best = other;
    }
    return best;
  }
}

/** The headers of every call, pseudo headers first. */
function requestFields({ target, path, metadata, compression }: GrpcLoadPlan): readonly HeaderField[] {
  return [
    [":method", "POST"],
    [":scheme", target.tls === null ? "http" : "https"],
    [":path", path],
    [":authority", authorityOf(target)],
    ["content-type", "application/grpc"],
    ["te", "trailers"],
    ...Object.entries(compressionHeaders(compression)),
    ...metadata.map(({ name, value }): HeaderField => [name.toLowerCase(), value]),
  ];
}

/**
 * The outputs of a ModelInferResponse.
 *
 * @param findShared - Finds outputs that were asked for in shared memory; `null` when none were.
 * @throws Error when it is none.
 */
export function decodeGrpcOutputs(
  message: Uint8Array,
  findShared: FindSharedOutput | null,
): readonly OutputTensor[] {
  const response = decodeToJson("ModelInferResponse", message);
  const contents = arrayOf(response["raw_output_contents"]);
  return arrayOf(response["outputs"]).map((each, i) => {
    const output = objectOf(each);
    const name = textOf(output["name"]);
    const datatype = textOf(output["datatype"]);
    const shape = arrayOf(output["shape"]).map(numberOf);
    const data = findShared === null ? contents[i] : findShared(name, datatype, shape);
    if (!(data instanceof Uint8Array)) throw new Error("the response has an output without raw contents");
    return { name, datatype, shape, data };
  });
}
