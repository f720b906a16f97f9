import { monotonicNowUs } from "../../clock.ts";
import type { HeaderOption } from "../../options/analyzer-options.ts";
import type { Exchange, LoadClient, OutputTensor } from "../exchange.ts";
import { arrayOf, numberOf, objectOf, textOf } from "../json-access.ts";
import type { Target } from "../target.ts";
import { describeGrpcError, GrpcConnection } from "./grpc-connection.ts";
import { frameMessage, type GrpcCompression } from "./grpc-frame.ts";
import { withSequence } from "./grpc-infer-template.ts";
import { decodeToJson } from "./grpc-messages.ts";
import { callHeaders } from "./grpc-server-client.ts";

/** What a thread needs to make load over gRPC. */
export interface GrpcLoadPlan {
  readonly protocol: "grpc";
  readonly target: Target;
  readonly metadata: readonly HeaderOption[];
  readonly compression: GrpcCompression;
  /** Messages without their prefix. */
  readonly templates: readonly Uint8Array[];
  readonly keepsBodies: boolean;
}

/** Calls that share a connection: with many more, one TCP stream would be the limit. */
const callsPerConnection = 16;

/** Unary calls on a few HTTP/2 connections. */
export class GrpcLoadClient implements LoadClient {
  readonly #plan: GrpcLoadPlan;
  readonly #headers: Readonly<Record<string, string>>;
  readonly #frames: readonly Buffer[];
  readonly #connections: GrpcConnection[] = [];

  constructor(plan: GrpcLoadPlan) {
    this.#plan = plan;
    this.#headers = {
      ...callHeaders("ModelInfer", plan.metadata),
      ...(plan.compression === "none"
        ? {}
        : { "grpc-encoding": plan.compression, "grpc-accept-encoding": `identity,${plan.compression}` }),
    };
    this.#frames = plan.templates.map((template) => frameMessage(template, plan.compression));
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
    const { templateIndex, sequence } = exchange;
    exchange.sendStartUs = monotonicNowUs();
    const [first, ...others] = this.#connections;
    if (first === undefined) throw new Error("No connection is open. This is a bug.");
    let connection = first;
    for (const other of others) {
      if (other.outstandingCount < connection.outstandingCount) connection = other;
    }
    const template = this.#plan.templates[templateIndex];
    const encoded = this.#frames[templateIndex];
    if (template === undefined || encoded === undefined) throw new Error("No such template. This is a bug.");
    const frame =
      sequence === null ? encoded : frameMessage(withSequence(template, sequence), this.#plan.compression);
    connection.call(this.#headers, frame, this.#plan.keepsBodies, (reply) => {
      exchange.sendEndUs = reply.sendEndUs;
      exchange.receiveStartUs = reply.receiveStartUs;
      exchange.endUs = reply.endUs;
      exchange.body = reply.message;
      if (reply.status !== 0) exchange.error = describeGrpcError(reply);
      done(exchange);
    });
  }

  decodeOutputs(exchange: Exchange): readonly OutputTensor[] {
    return decodeGrpcOutputs(exchange.body ?? new Uint8Array(0));
  }

  close(): void {
    for (const connection of this.#connections) connection.close();
  }
}

/** The outputs of a ModelInferResponse. @throws Error when it is none. */
export function decodeGrpcOutputs(message: Uint8Array): readonly OutputTensor[] {
  const response = decodeToJson("ModelInferResponse", message);
  const contents = arrayOf(response["raw_output_contents"]);
  return arrayOf(response["outputs"]).map((each, i) => {
    const output = objectOf(each);
    const content = contents[i];
    if (!(content instanceof Uint8Array)) throw new Error("the response has an output without raw contents");
    return {
      name: textOf(output["name"]),
      datatype: textOf(output["datatype"]),
      shape: arrayOf(output["shape"]).map(numberOf),
      data: content,
    };
  });
}
