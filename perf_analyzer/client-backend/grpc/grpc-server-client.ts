import type { HeaderOption } from "../../options/analyzer-options.ts";
import { type JsonObject, objectOf } from "../json-access.ts";
import { type ServerClient, ServerRefusal, type TraceSettings } from "../server-client.ts";
import { authorityOf, type Target } from "../target.ts";
import { unimplemented } from "./grpc-call-status.ts";
import { describeGrpcError, GrpcConnection, type GrpcReply } from "./grpc-connection.ts";
import { frameMessage } from "./grpc-frame.ts";
import { decodeToJson, encodeMessage } from "./grpc-messages.ts";

const servicePath = "/inference.GRPCInferenceService";

/** The path of a unary inference. */
export const modelInferPath = `${servicePath}/ModelInfer`;

/** Headers of every call of a method. Metadata names are in lower case in HTTP/2. */
export function callHeaders(method: string, metadata: readonly HeaderOption[]): Record<string, string> {
  return headersOfPath(`${servicePath}/${method}`, metadata);
}

/** The same for a method of any service. */
export function headersOfPath(path: string, metadata: readonly HeaderOption[]): Record<string, string> {
  return {
    ":method": "POST",
    ":path": path,
    "content-type": "application/grpc",
    te: "trailers",
    ...Object.fromEntries(metadata.map(({ name, value }) => [name.toLowerCase(), value])),
  };
}

/** Asks a server over gRPC, on a connection of its own. */
export class GrpcServerClient implements ServerClient {
  readonly #target: Target;
  readonly #metadata: readonly HeaderOption[];
  #connection: GrpcConnection | null = null;

  constructor(target: Target, metadata: readonly HeaderOption[]) {
    this.#target = target;
    this.#metadata = metadata;
  }

  async isModelReady(name: string, version: string): Promise<boolean> {
    const answer = await this.#call("ModelReady", "ModelReadyRequest", "ModelReadyResponse", {
      name,
      version,
    });
    return answer["ready"] === true;
  }

  modelMetadata(name: string, version: string): Promise<JsonObject> {
    return this.#call("ModelMetadata", "ModelMetadataRequest", "ModelMetadataResponse", { name, version });
  }

  async modelConfig(name: string, version: string): Promise<JsonObject> {
    const answer = await this.#call("ModelConfig", "ModelConfigRequest", "ModelConfigResponse", {
      name,
      version,
    });
    return objectOf(answer["config"]);
  }

  modelStatistics(name: string, version: string): Promise<JsonObject> {
    const response = "ModelStatisticsResponse";
    return this.#call("ModelStatistics", "ModelStatisticsRequest", response, { name, version });
  }

  async registerSystemSharedMemory(name: string, key: string, byteLength: number): Promise<void> {
    const method = "SystemSharedMemoryRegister";
    const fields = { name, key, offset: 0, byte_size: byteLength };
    await this.#call(method, `${method}Request`, `${method}Response`, fields);
  }

  async unregisterSystemSharedMemory(name: string): Promise<void> {
    const method = "SystemSharedMemoryUnregister";
    await this.#call(method, `${method}Request`, `${method}Response`, { name });
  }

  async updateTraceSettings(name: string, settings: TraceSettings): Promise<void> {
    await this.#call("TraceSetting", "TraceSettingRequest", "TraceSettingResponse", {
      model_name: name,
      settings: Object.fromEntries(Object.entries(settings).map(([key, value]) => [key, { value }])),
    });
  }

  close(): void {
    this.#connection?.close();
  }

  async #call(
    method: string,
    requestType: string,
    responseType: string,
    fields: Readonly<Record<string, unknown>>,
  ): Promise<JsonObject> {
    let connection = this.#connection;
    if (connection?.isOpen !== true) {
      connection = new GrpcConnection(this.#target);
      await connection.open();
      this.#connection = connection;
    }
    const frame = frameMessage(encodeMessage(requestType, fields), "none");
    const current = connection;
    const reply = await new Promise<GrpcReply>((resolve) => {
      current.call(callHeaders(method, this.#metadata), frame, true, resolve);
    });
    if (reply.status === null) throw new Error(`${authorityOf(this.#target)}: ${reply.errorMessage}`);
    if (reply.message === null) {
      throw new ServerRefusal(describeGrpcError(reply), reply.status === unimplemented);
    }
    return decodeToJson(responseType, reply.message);
  }
}
