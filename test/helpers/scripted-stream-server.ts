import {
  type handleBidiStreamingCall,
  type sendUnaryData,
  Server,
  ServerCredentials,
  type ServerDuplexStream,
  type ServerUnaryCall,
  status,
} from "@grpc/grpc-js";
import { monotonicNowUs } from "../../perf_analyzer/clock.ts";
import { type Message, messageType } from "./grpc-client.ts";

/** What the server saw of a request, by its own clock, which is the client's. */
export interface SeenStreamRequest {
  /** Which stream it came on, counted from 0. */
  readonly stream: number;
  readonly sequenceId: number;
  readonly isStart: boolean;
  readonly isEnd: boolean;
  readonly arrivalUs: number;
  /** Whether an earlier request of its sequence was not answered yet. */
  readonly overtakes: boolean;
  /** When each response was sent. */
  readonly responsesUs: number[];
}

/** How requests are answered. */
export interface StreamScript {
  /** When the n-th request is answered, in ms after its arrival: once for each response. */
  responsesMs(index: number): readonly number[];
  /** An error instead of the responses; "end" ends the stream. */
  refusal?(index: number): string | null;
  /** Model configuration beside the decoupled policy. */
  readonly config?: Message;
  /** Whether the end of a request is a message of its own, where the client wants that. */
  readonly hasEmptyEnd?: boolean;
}

const requestType = messageType("inference.ModelInferRequest");
const responseType = messageType("inference.ModelStreamInferResponse");

interface InferRequest {
  readonly id: string;
  readonly parameters: Readonly<Record<string, { bool_param?: boolean; int64_param?: string }>>;
}

/** A decoupled model `m` over ModelStreamInfer with known delays, in this process: its records are the truth. */
export class ScriptedStreamServer {
  readonly seen: SeenStreamRequest[] = [];
  readonly #server = new Server();
  readonly #script: StreamScript;
  readonly #outstanding = new Map<number, number>();
  #streamCount = 0;
  #address = "";

  private constructor(script: StreamScript) {
    this.#script = script;
  }

  static async start(script: StreamScript): Promise<ScriptedStreamServer> {
    const server = new ScriptedStreamServer(script);
    server.#serve();
    const port = await new Promise<number>((resolve, reject) => {
      server.#server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, bound) =>
        error === null ? resolve(bound) : reject(error),
      );
    });
    server.#address = `127.0.0.1:${port}`;
    return server;
  }

  get address(): string {
    return this.#address;
  }

  get streamCount(): number {
    return this.#streamCount;
  }

  /** Requests per second, from the first arrival to the last response. */
  get throughput(): number {
    return (this.seen.length * 1e6) / this.#durationUs;
  }

  /** Responses per second. */
  get responseThroughput(): number {
    return (this.seen.flatMap(({ responsesUs }) => responsesUs).length * 1e6) / this.#durationUs;
  }

  /** From arrival to the n-th response, the median; the last one for -1. */
  medianUntilUs(n: number): number {
    const waits = this.seen.map(({ arrivalUs, responsesUs }) => (responsesUs.at(n) ?? 0) - arrivalUs);
    return waits.sort((a, b) => a - b)[Math.floor(waits.length / 2)] ?? 0;
  }

  /** Cuts all connections. */
  stop(): void {
    this.#server.forceShutdown();
  }

  get #durationUs(): number {
    const first = Math.min(...this.seen.map(({ arrivalUs }) => arrivalUs));
    return Math.max(...this.seen.flatMap(({ responsesUs }) => responsesUs)) - first;
  }

  #serve(): void {
    const path = (method: string): string => `/inference.GRPCInferenceService/${method}`;
    const bytes = (value: Buffer): Buffer => value;
    const unary = (method: string, answer: Message): void => {
      const type = messageType(`inference.${method}Response`);
      const reply = Buffer.from(type.encode(type.fromObject(answer)).finish());
      const handle = (_call: ServerUnaryCall<Buffer, Buffer>, done: sendUnaryData<Buffer>): void =>
        done(null, reply);
      this.#server.register(path(method), handle, bytes, bytes, "unary");
    };
    const tensor = (name: string): Message => ({ name, datatype: "FP32", shape: ["2"] });
    unary("ModelReady", { ready: true });
    unary("ModelMetadata", { name: "m", versions: ["1"], inputs: [tensor("A")], outputs: [tensor("B")] });
    const policy = { decoupled: true };
    unary("ModelConfig", { config: { name: "m", model_transaction_policy: policy, ...this.#script.config } });
    const stream: handleBidiStreamingCall<Buffer, Buffer> = (call) => this.#onStream(call);
    this.#server.register(path("ModelStreamInfer"), stream, bytes, bytes, "bidi");
  }

  #onStream(call: ServerDuplexStream<Buffer, Buffer>): void {
    const stream = this.#streamCount++;
    call.on("data", (message: Buffer) => this.#onRequest(call, stream, message));
    call.on("end", () => call.end());
    // A client that goes away.
    call.on("error", () => undefined);
  }

  #onRequest(call: ServerDuplexStream<Buffer, Buffer>, stream: number, message: Buffer): void {
    const arrivalUs = monotonicNowUs();
    const request = requestType.toObject(requestType.decode(message), {
      longs: String,
      defaults: true,
    }) as InferRequest;
    const { parameters } = request;
    const sequenceId = Number(parameters["sequence_id"]?.int64_param ?? 0);
    const outstanding = this.#outstanding.get(sequenceId) ?? 0;
    this.#outstanding.set(sequenceId, outstanding + 1);
    const index = this.seen.length;
    const seen = {
      stream,
      sequenceId,
      isStart: parameters["sequence_start"]?.bool_param === true,
      isEnd: parameters["sequence_end"]?.bool_param === true,
      arrivalUs,
      overtakes: outstanding > 0,
      responsesUs: [],
    };
    this.seen.push(seen);
    const refusal = this.#script.refusal?.(index) ?? null;
    if (refusal === "end") call.emit("error", { code: status.UNAVAILABLE, details: "scripted end" });
    else if (refusal !== null)
      this.#send(call, { error_message: refusal, infer_response: { id: request.id } });
    else this.#answer(call, request, seen, this.#script.responsesMs(index));
  }

  #answer(
    call: ServerDuplexStream<Buffer, Buffer>,
    { id, parameters }: InferRequest,
    seen: SeenStreamRequest,
    timesMs: readonly number[],
  ): void {
    const wantsEnd = parameters["triton_enable_empty_final_response"]?.bool_param === true;
    const hasEmptyEnd = this.#script.hasEmptyEnd === true && wantsEnd;
    const reply = (isFinal: boolean, content: Message): void =>
      this.#send(call, {
        infer_response: {
          model_name: "m",
          id,
          parameters: { triton_final_response: { bool_param: isFinal } },
          ...content,
        },
      });
    timesMs.forEach((timeMs, i) => {
      setTimeout(() => {
        seen.responsesUs.push(monotonicNowUs());
        const isLast = i === timesMs.length - 1;
        if (isLast) this.#outstanding.set(seen.sequenceId, (this.#outstanding.get(seen.sequenceId) ?? 1) - 1);
        reply(isLast && !hasEmptyEnd, {
          outputs: [{ name: "B", datatype: "FP32", shape: ["2"] }],
          raw_output_contents: [Buffer.alloc(8)],
        });
        if (isLast && hasEmptyEnd) setTimeout(() => reply(true, {}), 20);
      }, timeMs);
    });
  }

  #send(call: ServerDuplexStream<Buffer, Buffer>, content: Message): void {
    call.write(Buffer.from(responseType.encode(responseType.fromObject(content)).finish()));
  }
}
