import type { HeaderOption } from "../../options/analyzer-options.ts";
import { describeGrpcStatus, unimplemented } from "../grpc/grpc-call-status.ts";
import { GrpcConnection, type GrpcReply } from "../grpc/grpc-connection.ts";
import { frameMessage } from "../grpc/grpc-frame.ts";
import { headersOfPath } from "../grpc/grpc-server-client.ts";
import { type JsonObject, objectOf } from "../json-access.ts";
import { ServerRefusal } from "../server-client.ts";
import { authorityOf, type Target } from "../target.ts";
import { decodePredictMessage, encodePredictMessage } from "./predict-messages.ts";
import type { SignatureReader } from "./tfserving-server-client.ts";

const servicePath = "/tensorflow.serving.PredictionService";

/** The path of the method that infers. */
export const predictPath = `${servicePath}/Predict`;

/** The fields that say which model is meant. @param version - "" for the latest. */
export function modelSpec(name: string, version: string): Record<string, unknown> {
  return { name, ...(version === "" ? {} : { version: { value: version } }) };
}

/** Reads signatures over gRPC, on a connection of its own. */
export class GrpcSignatureReader implements SignatureReader {
  readonly #target: Target;
  readonly #metadata: readonly HeaderOption[];
  #connection: GrpcConnection | null = null;

  constructor(target: Target, metadata: readonly HeaderOption[]) {
    this.#target = target;
    this.#metadata = metadata;
  }

  async readSignatures(modelName: string, modelVersion: string): Promise<JsonObject> {
    const connection = this.#connection ?? new GrpcConnection(this.#target);
    if (this.#connection === null) await connection.open();
    this.#connection = connection;
    const request = encodePredictMessage("MetadataRequest", {
      model_spec: modelSpec(modelName, modelVersion),
      metadata_field: ["signature_def"],
    });
    const headers = headersOfPath(`${servicePath}/GetModelMetadata`, this.#metadata);
    const reply = await new Promise<GrpcReply>((resolve) => {
      connection.call(headers, frameMessage(request, "none"), true, resolve);
    });
    if (reply.status === null) throw new Error(`${authorityOf(this.#target)}: ${reply.errorMessage}`);
    if (reply.message === null)
      throw new ServerRefusal(
        describeGrpcStatus(reply.status, reply.errorMessage),
        reply.status === unimplemented,
      );
    const { metadata } = decodePredictMessage("MetadataResponse", reply.message);
    const packed = objectOf(objectOf(metadata)["signature_def"])["value"];
    if (!(packed instanceof Uint8Array)) throw new Error("The server's metadata has no signatures");
    return objectOf(decodePredictMessage("Signatures", packed)["signature_def"]);
  }

  close(): void {
    this.#connection?.close();
  }
}
