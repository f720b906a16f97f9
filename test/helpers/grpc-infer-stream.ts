import { Client, type ClientDuplexStream, credentials, Metadata, type ServiceError } from "@grpc/grpc-js";
import { type Message, messageType } from "./grpc-client.ts";

const requestType = messageType("inference.ModelInferRequest");
const responseType = messageType("inference.ModelStreamInferResponse");

/** A ModelStreamInferResponse as tests look at it. */
export interface StreamReply {
  /** "" for a response. */
  readonly error: string;
  readonly id: string;
  /** `name/version`. */
  readonly model: string;
  /** `null` when the message does not say. */
  readonly isFinal: boolean | null;
  readonly outputs: readonly { readonly name: string; readonly data: Buffer }[];
}

/** How a stream ended. */
export interface StreamEnd {
  readonly code: number;
  readonly details: string;
}

/** What a stream is opened with. */
export interface InferStreamOptions {
  readonly metadata?: Readonly<Record<string, string>>;
  readonly deadlineMs?: number;
  /** Take no message before {@link InferStreamClient.read} is called. */
  readonly isDeaf?: boolean;
}

/** One ModelStreamInfer call: grpc-js with protobufjs. */
export class InferStreamClient {
  /** How the call ended. Never rejects. */
  readonly ended: Promise<StreamEnd>;
  /** All messages so far. */
  readonly replies: StreamReply[] = [];
  readonly #stream: ClientDuplexStream<Buffer, Buffer>;
  readonly #waiting: { count: number; resolve: () => void }[] = [];

  constructor(client: Client, options: InferStreamOptions = {}) {
    const identity = (bytes: Buffer): Buffer => bytes;
    const metadata = new Metadata();
    for (const [key, value] of Object.entries(options.metadata ?? {})) metadata.set(key, value);
    this.#stream = client.makeBidiStreamRequest(
      "/inference.GRPCInferenceService/ModelStreamInfer",
      identity,
      identity,
      metadata,
      options.deadlineMs === undefined ? {} : { deadline: Date.now() + options.deadlineMs },
    );
    this.ended = new Promise((resolve) => {
      this.#stream.on("status", ({ code, details }: StreamEnd) => resolve({ code, details }));
      this.#stream.on("error", (thrown) => {
        const { code, details } = thrown as ServiceError;
        resolve({ code, details });
      });
    });
    if (options.isDeaf !== true) this.read();
  }

  /** Opens a stream on a connection of its own, which closes with it. */
  static connect(address: string, options: InferStreamOptions = {}): InferStreamClient {
    // Clients to the same address would share one connection otherwise.
    const client = new Client(address, credentials.createInsecure(), { "grpc.use_local_subchannel_pool": 1 });
    const stream = new InferStreamClient(client, options);
    void stream.ended.then(() => client.close());
    return stream;
  }

  /** Begins to take messages. */
  read(): void {
    this.#stream.on("data", (bytes: Buffer) => {
      this.replies.push(readReply(bytes));
      for (const waiter of this.#waiting) if (waiter.count <= this.replies.length) waiter.resolve();
    });
  }

  /** Sends a request, or bytes that may be none. */
  send(request: Message | Buffer): void {
    this.#stream.write(Buffer.isBuffer(request) ? request : encodeRequest(request));
  }

  /** Resolves when that many messages have come in all. @throws Error when the call ends before. */
  async waitFor(count: number): Promise<readonly StreamReply[]> {
    if (this.replies.length < count) {
      const come = new Promise<void>((resolve) => this.#waiting.push({ count, resolve }));
      await Promise.race([come, this.ended]);
      if (this.replies.length < count) {
        throw new Error(`the stream ended after ${this.replies.length} of ${count} messages`);
      }
    }
    return this.replies;
  }

  /** Half-closes. */
  halfClose(): void {
    this.#stream.end();
  }

  cancel(): void {
    this.#stream.cancel();
  }
}

/** A ModelInferRequest in bytes. */
export function encodeRequest(request: Message): Buffer {
  return Buffer.from(requestType.encode(requestType.fromObject(request)).finish());
}

/** Reads a ModelStreamInferResponse. */
export function readReply(bytes: Uint8Array): StreamReply {
  const message = responseType.toObject(responseType.decode(bytes), { defaults: true }) as {
    error_message: string;
    infer_response: {
      id: string;
      model_name: string;
      model_version: string;
      parameters: Record<string, { bool_param?: boolean }>;
      outputs: { name: string }[];
      raw_output_contents: Uint8Array[];
    } | null;
  };
  const response = message.infer_response;
  if (response === null) throw new Error("a message without infer_response");
  return {
    error: message.error_message,
    id: response.id,
    model: `${response.model_name}/${response.model_version}`,
    isFinal: response.parameters["triton_final_response"]?.bool_param ?? null,
    outputs: response.outputs.map(({ name }, index) => ({
      name,
      data: Buffer.from(response.raw_output_contents[index] ?? []),
    })),
  };
}
