import path from "node:path";
import { type ClientUnaryCall, Client, credentials, Metadata, type ServiceError } from "@grpc/grpc-js";
import protobuf from "protobufjs";

/** The `.proto` files themselves, not what the server generates from them. */
const protoDirectory = path.resolve(import.meta.dirname, "../../../protos");

const root = new protobuf.Root();
root.resolvePath = (_origin, target) => path.join(protoDirectory, target);
root.loadSync(["grpc_service.proto", "health.proto"], { keepCase: true });

/** A message as an object: field names of the `.proto` file, enums by name, 64-bit integers as decimal texts. */
export type Message = Readonly<Record<string, unknown>>;

/** The type of a message. @param name - Full name, with the package. */
export function messageType(name: string): protobuf.Type {
  return root.lookupType(name);
}

/** Settings of one call. */
export interface CallOptions {
  readonly deadlineMs?: number;
  readonly metadata?: Readonly<Record<string, string>>;
  /** Is given the call, for a test that cancels it. */
  readonly onCall?: (call: ClientUnaryCall) => void;
}

/** A response of ModelInfer. */
export interface GrpcInferResponse {
  readonly model_name: string;
  readonly model_version: string;
  readonly id: string;
  readonly outputs: readonly {
    readonly name: string;
    readonly datatype: string;
    readonly shape: readonly string[];
  }[];
  readonly raw_output_contents: readonly Buffer[];
}

/** Fails unless a call is still open after that long. */
const defaultDeadlineMs = 20_000;

/** Calls unary methods over one connection of its own. */
export class GrpcClient {
  readonly #client: Client;

  constructor(address: string, channel = credentials.createInsecure()) {
    this.#client = new Client(address, channel, {
      "grpc.max_receive_message_length": -1,
      "grpc.max_send_message_length": -1,
      // Clients to the same address would share one connection otherwise.
      "grpc.use_local_subchannel_pool": 1,
    });
  }

  /**
   * Calls a method.
   *
   * @param method - Of `inference.GRPCInferenceService`, or a full path such as `/grpc.health.v1.Health/Check`.
   * @returns Rejects with a ServiceError for a status other than OK.
   */
  call(method: string, request: Message, options: CallOptions = {}): Promise<Message> {
    const fullPath = method.startsWith("/") ? method : `/inference.GRPCInferenceService/${method}`;
    const [, serviceName = "", methodName = ""] = fullPath.split("/");
    const declared = root.lookupService(serviceName).methods[methodName];
    declared?.resolve();
    const requestType = declared?.resolvedRequestType ?? null;
    const responseType = declared?.resolvedResponseType ?? null;
    if (requestType === null || responseType === null) throw new Error(`${fullPath} is in no .proto file`);
    const metadata = new Metadata();
    for (const [key, value] of Object.entries(options.metadata ?? {})) metadata.set(key, value);
    return new Promise((resolve, reject) => {
      const call = this.#client.makeUnaryRequest<Message, Message>(
        fullPath,
        (message) => Buffer.from(requestType.encode(requestType.fromObject(message)).finish()),
        (bytes) => toObject(responseType, bytes),
        request,
        metadata,
        { deadline: Date.now() + (options.deadlineMs ?? defaultDeadlineMs) },
        (error, response) => {
          if (error !== null) reject(error);
          else resolve(response ?? {});
        },
      );
      options.onCall?.(call);
    });
  }

  /** `ModelInfer`. */
  async infer(request: Message, options: CallOptions = {}): Promise<GrpcInferResponse> {
    return (await this.call("ModelInfer", request, options)) as unknown as GrpcInferResponse;
  }

  close(): void {
    this.#client.close();
  }
}

function toObject(type: protobuf.Type, bytes: Uint8Array): Message {
  return type.toObject(type.decode(bytes), { longs: String, enums: String, defaults: true });
}

/** Code and message of a call that failed. @throws Error when it succeeded. */
export async function failureOf(call: Promise<unknown>): Promise<{ code: number; message: string }> {
  try {
    await call;
  } catch (thrown) {
    const { code, details } = thrown as ServiceError;
    return { code, message: details };
  }
  throw new Error("the call succeeded");
}
